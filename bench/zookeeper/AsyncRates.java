import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.zookeeper.CreateMode;
import org.apache.zookeeper.Watcher;
import org.apache.zookeeper.ZooDefs;
import org.apache.zookeeper.ZooKeeper;

/**
 * The Java client at the same work as ours (rates.ts): so many calls of one kind outstanding at all times, by its
 * asynchronous interface. Arguments: connect string, root, outstanding, nodes. Each line of standard input,
 * "get 3000", is a window; the answer is a line "calls seconds failures".
 */
public final class AsyncRates {
  private static final byte[] DATA = new byte[100];
  private static final AtomicLong made = new AtomicLong();
  private static final AtomicLong failed = new AtomicLong();

  public static void main(String[] args) throws Exception {
    CountDownLatch connected = new CountDownLatch(1);
    ZooKeeper client = new ZooKeeper(args[0], 10_000, event -> {
      if (event.getState() == Watcher.Event.KeeperState.SyncConnected) connected.countDown();
    });
    if (!connected.await(15, TimeUnit.SECONDS)) throw new IllegalStateException("not connected");
    int outstanding = Integer.parseInt(args[2]);
    int nodes = Integer.parseInt(args[3]);
    System.out.println("ready");
    BufferedReader commands = new BufferedReader(new InputStreamReader(System.in));
    for (String line = commands.readLine(); line != null; line = commands.readLine()) {
      String[] words = line.trim().split(" ");
      System.out.println(window(client, words[0], args[1], Long.parseLong(words[1]), outstanding, nodes));
    }
    client.close();
    System.exit(0);
  }

  private static String window(
      ZooKeeper client, String kind, String root, long lengthMs, int outstanding, int nodes) throws Exception {
    Semaphore free = new Semaphore(outstanding);
    failed.set(0);
    long calls = 0;
    long start = System.nanoTime();
    long end = start + lengthMs * 1_000_000;
    while (System.nanoTime() < end) {
      free.acquire();
      call(client, kind, root, (int) (calls % nodes), free);
      calls += 1;
    }
    free.acquire(outstanding);
    return calls + " " + (System.nanoTime() - start) / 1e9 + " " + failed.get();
  }

  private static void call(ZooKeeper client, String kind, String root, int index, Semaphore free) {
    String path = root + "/n" + index;
    switch (kind) {
      case "get" -> client.getData(path, false, (code, p, context, data, stat) -> done(code, free), null);
      case "set" -> client.setData(path, DATA, -1, (code, p, context, stat) -> done(code, free), null);
      case "create" -> client.create(
          root + "/java" + made.incrementAndGet(), DATA, ZooDefs.Ids.OPEN_ACL_UNSAFE, CreateMode.PERSISTENT,
          (code, p, context, name) -> done(code, free), null);
      default -> throw new IllegalArgumentException(kind);
    }
  }

  private static void done(int code, Semaphore free) {
    if (code != 0) failed.incrementAndGet();
    free.release();
  }
}
