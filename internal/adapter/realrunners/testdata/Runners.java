import java.nio.file.Path;
import java.sql.DriverManager;
import java.util.Map;
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
  public static void main(String[] args) throws Exception {
    var out = System.out;
    System.setOut(System.err);
    for (int i = 1; i < args.length; i += 2) {
      try {
        if (args[0].equals("flyway")) {
          Flyway.configure()
              .dataSource(args[i + 1], null, null)
              .locations("filesystem:" + args[i])
              .connectRetries(0)
              .configuration(Map.of("flyway.postgresql.transactional.lock", "false"))
              .load()
              .migrate();
        } else {
          try (var connection = DriverManager.getConnection(args[i + 1])) {
            var database =
                DatabaseFactory.getInstance()
                    .findCorrectDatabaseImplementation(new JdbcConnection(connection));
            var files = new DirectoryResourceAccessor(Path.of(args[i]));
            new Liquibase("changelog.xml", files, database).update("");
          }
        }
        out.println("ok");
      } catch (Exception e) {
        var text = new StringBuilder();
        for (Throwable t = e; t != null; t = t.getCause()) {
          text.append(t.getMessage()).append(' ');
        }
        out.println("failed: " + text.toString().replaceAll("\\s+", " "));
      }
    }
  }
}
