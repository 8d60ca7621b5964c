import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.sql.DriverManager;
import java.util.Map;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import liquibase.Liquibase;
import liquibase.database.DatabaseFactory;
import liquibase.database.jvm.JdbcConnection;
import liquibase.resource.DirectoryResourceAccessor;
import org.flywaydb.core.Flyway;

/**
 * Runs Flyway or Liquibase. Arguments: the one or the other; then, for each run, a directory and a
 * JDBC URL. Prints a line for each run.
 */
class Runners {
  /**
   * Nanoseconds of processor time that a run may take: Flyway does not always end, and a busy
   * machine lets each run wait.
   */
  private static final long LIMIT = 20_000_000_000L;

  public static void main(String[] args) throws Exception {
    var out = System.out;
    System.setOut(System.err);
    for (int i = 1; i < args.length; i += 2) {
      String dir = args[i], url = args[i + 1];
      try {
        var run = new FutureTask<Void>(() -> one(args[0], dir, url));
        var thread = new Thread(run);
        thread.setDaemon(true);
        thread.start();
        while (true) {
          try {
            run.get(200, TimeUnit.MILLISECONDS);
            break;
          } catch (TimeoutException e) {
            if (ManagementFactory.getThreadMXBean().getThreadCpuTime(thread.getId()) > LIMIT) {
              throw e;
            }
          }
        }
        out.println("ok");
      } catch (TimeoutException e) {
        out.println("failed: it does not end");
      } catch (Exception e) {
        var text = new StringBuilder();
        for (Throwable t = e; t != null; t = t.getCause()) {
          text.append(t.getMessage()).append(' ');
        }
        out.println("failed: " + text.toString().replaceAll("\\s+", " "));
      }
    }
  }

  private static Void one(String runner, String dir, String url) throws Exception {
    if (runner.equals("flyway")) {
      Flyway.configure()
          .dataSource(url, null, null)
          .locations("filesystem:" + dir)
          .connectRetries(0)
          .baselineOnMigrate(true) // of a schema that has tables
          .configuration(Map.of("flyway.postgresql.transactional.lock", "false"))
          .load()
          .migrate();
      return null;
    }
    try (var connection = DriverManager.getConnection(url)) {
      var database =
          DatabaseFactory.getInstance()
              .findCorrectDatabaseImplementation(new JdbcConnection(connection));
      var files = new DirectoryResourceAccessor(Path.of(dir));
      new Liquibase("changelog.xml", files, database).update("");
    }
    return null;
  }
}
