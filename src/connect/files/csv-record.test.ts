import { describe, expect, test } from 'vitest'
import { csvField, parseCsvRecord } from './csv-record.ts'

describe('a CSV record', () => {
  test('is taken apart as RFC 4180 says', () => {
    expect(parseCsvRecord('a,b,c', ',')).toEqual(['a', 'b', 'c'])
    expect(parseCsvRecord('', ',')).toEqual([''])
    expect(parseCsvRecord(',', ',')).toEqual(['', ''])
    expect(parseCsvRecord('"a,b","c ""d""",,"",e', ',')).toEqual(['a,b', 'c "d"', '', '', 'e'])
    expect(parseCsvRecord('"a\nb";c', ';')).toEqual(['a\nb', 'c'])
    expect(parseCsvRecord('"a",', ',')).toEqual(['a', ''])
    expect(parseCsvRecord('""""', ',')).toEqual(['"'])
  })

  test('with quotes out of place is refused', () => {
    for (const text of ['a"b', '"a"b', '"a', '"a"" ', 'a,"', '"a" ,b']) {
      expect(() => parseCsvRecord(text, ',')).toThrow()
    }
  })

  test('comes back from what is written, whatever is in it', () => {
    const texts = ['', 'a', ',', '"', '""', '\n', '\r\n', ' , "x" ', ';', '☃']
    for (const separator of [',', ';', '\t']) {
      for (let i = 0; i < texts.length; i++) {
        const row = [...texts.slice(i), ...texts.slice(0, i)]
        const written = row.map((text) => csvField(text, separator)).join(separator)
        expect(parseCsvRecord(written, separator)).toEqual(row)
      }
    }
  })
})
