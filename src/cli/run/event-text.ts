/** Events of a run as lines and as objects. */
import type { RunEvent } from '../../testing/local-run.ts'
import type { Paint } from '../paint.ts'
import { shortPlace } from '../place.ts'
import { framesOf } from '../say/error-report.ts'

/** Lines for people; none for what is not worth one. */
export function eventLines(event: RunEvent, paint: Paint, directory: string): readonly string[] {
  switch (event.kind) {
    case 'worker-started':
      return []
    case 'worker-lost':
      return [`${paint('yellow', '⚠')} worker ${event.worker} was lost: ${event.why}`]
    case 'worker-restarted':
      return [`${paint('green', '✔')} worker ${event.worker} runs again`]
    case 'warning':
      return [`${paint('yellow', '⚠')} ${event.message}`]
    case 'dead-letter': {
      const { component, code, message } = event.letter
      return [`${paint('yellow', '⚠')} dead letter of ${component}: ${code}  ${message}`]
    }
    case 'error': {
      const { componentId, task, code, error } = event.shown
      const cause = error.cause instanceof Error ? error.cause : error
      const [place] = framesOf(cause)
      const at = place === undefined ? '' : `  ${paint('cyan', placeText(place, directory))}`
      return [`${paint('red', '✖')} ${code}  ${componentId}[${task}]: ${error.message}${at}`]
    }
    case 'stopped':
      // The error itself is said at the end.
      return []
  }
}

function placeText(frame: string, directory: string): string {
  return shortPlace(frame.slice(frame.lastIndexOf(' ') + 1), directory)
}

/** One flat object. */
export function eventDocument(event: RunEvent): object {
  switch (event.kind) {
    case 'worker-started':
    case 'worker-lost':
    case 'worker-restarted':
      return { event: event.kind, worker: event.worker, why: event.why }
    case 'warning':
      return { event: event.kind, message: event.message }
    case 'dead-letter': {
      const { component, task, stream, code, message, attempts } = event.letter
      return { event: event.kind, component, task, stream, code, message, attempts }
    }
    case 'error': {
      const { componentId, task, code, error } = event.shown
      return { event: event.kind, component: componentId, task, code, message: error.message }
    }
    case 'stopped':
      return {
        event: event.kind,
        message: event.error instanceof Error ? event.error.message : String(event.error),
      }
  }
}
