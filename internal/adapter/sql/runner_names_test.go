package sql

import "testing"

// TestRunnerNames: tools that run other files, or in other transactions, than those that they look like.
func TestRunnerNames(t *testing.T) {
	t.Parallel()
	const (
		goMod, evolutions = "module m\nrequire ", "conf/evolutions/default/"

		sql = "SELECT 1;"
		cic = "CREATE INDEX CONCURRENTLY i ON t (a);"
	)
	for name, tc := range map[string]struct {
		dir   string
		files map[string]string
		want  string
	}{
		"refinery takes U for a migration, and passes over other names": {"migrations", map[string]string{
			"Cargo.toml": "[dependencies]\nrefinery = \"0.10\"\n", "migrations/V1__a.sql": sql, "migrations/U2__b.sql": sql, "migrations/V3__c-d.sql": sql,
			"migrations/R__e.sql": sql, "migrations/V4__f.sql.bak.sql": sql,
		}, "V1__a file; U2__b file; ! V3__c-d.sql: the migration never runs; ! V4__f.sql.bak.sql: the migration never runs; ! R__e.sql: the migration never runs"},
		"refinery's versions are small": {"migrations", map[string]string{
			"Cargo.toml": "[dependencies]\nrefinery = \"0.10\"\n", "migrations/V1__a.sql": sql, "migrations/V1.5__b.sql": sql, "migrations/V20260101120000__c.sql": sql,
		}, "V1__a file; V1.5__b file, 1: error; V20260101120000__c file, 1: error"},
		"refinery's versions with its feature": {"migrations", map[string]string{
			"Cargo.toml":           "[dependencies]\nrefinery = { version = \"0.10\", features = [\"int8-versions\"] }\n",
			"migrations/V1__a.sql": sql, "migrations/V20260101120000__c.sql": sql,
		}, "V1__a file; V20260101120000__c file"},
		"pgmigrate is not Flyway": {"db/migrations", map[string]string{
			"db/migrations.yml": "conn: dbname=shop\n", "db/migrations/V1__a.sql": sql, "db/migrations/V2__NONTRANSACTIONAL_b.sql": cic, "db/migrations/V3_c.sql": sql,
		}, "V1__a file; V2__NONTRANSACTIONAL_b none; together"},
		"bun": {"m", map[string]string{
			"go.mod":       goMod + "github.com/uptrace/bun v1.2.16\n",
			"m/main.go":    "package m\n\nimport \"github.com/uptrace/bun/migrate\"\n\nvar M = migrate.NewMigrations()\n",
			"m/1_a.up.sql": sql, "m/2_b.tx.up.sql": sql + "\n--bun:split\n" + sql, "m/3_C.up.sql": sql, "m/4_d.backup.sql": sql,
		}, "1_a message; 2_b file; ! 3_C.up.sql: the migration never runs; ! 4_d.backup.sql: the migration never runs"},
		"Supabase runs what other tools undo with": {"supabase/migrations", map[string]string{
			"supabase/config.toml": "", "supabase/migrations/20240101000000_a.sql": sql, "supabase/migrations/20240101000000_a.down.sql": sql,
		}, "20240101000000_a.down pipeline; 20240101000000_a pipeline; = the second fails: Supabase's CLI records versions, and none twice"},
		"bun, by its names alone": {"m", map[string]string{
			"go.mod": goMod + "github.com/uptrace/bun v1.2.16\n", "m/20260101000000_a.tx.up.sql": sql, "m/20260102000000_b.up.sql": sql,
		}, "20260101000000_a file; 20260102000000_b message"},
		"bun drops empty lines of a string": {"m", map[string]string{
			"go.mod": goMod + "github.com/uptrace/bun v1.2.16\n", "m/1_a.tx.up.sql": "INSERT INTO t VALUES ('a\n\nb');",
			"m/2_b.tx.up.sql": "-- it's\n\nSELECT 'a\nb', $$\n\n$$;",
		}, "1_a file, 2: warning; 2_b file"},
		"sql-migrate drops lines of a string": {"m", map[string]string{
			"dbconfig.yml": "", "m/1_a.sql": "-- +migrate Up\nINSERT INTO t VALUES ('a\n-- \nb');\n", "m/2_b.sql": "-- +migrate Up\nSELECT 'a\n--b\nc';\n-- c\n",
		}, "1_a file, 3: warning; 2_b file"},
		"pop passes over autocommit": {"m", map[string]string{
			"go.mod": goMod + "github.com/gobuffalo/pop/v6 v6.1.1\n", "m/20260101000000_a.up.sql": sql, "m/20260102000000_b.autocommit.up.sql": cic,
		}, "20260101000000_a file; ! 20260102000000_b.autocommit.up.sql: the migration never runs"},
		"ory's pop knows autocommit": {"m", map[string]string{
			"go.mod": goMod + "(\n\tgithub.com/gobuffalo/pop/v6 v6.1.1\n\tgithub.com/ory/x v0.0.1\n)\n", "m/20260102000000_b.autocommit.up.sql": cic,
		}, "20260102000000_b message"},
		"Diesel, one time twice": {"migrations", map[string]string{
			"diesel.toml": "", "migrations/2024-01-01-000000_a/up.sql": sql, "migrations/2024-01-01-000000_b/up.sql": sql,
		}, "2024-01-01-000000_a file; 2024-01-01-000000_b file; = Diesel keeps one migration of each version: it never runs the other, and nothing says so"},
		"Play": {"conf/evolutions/default", map[string]string{
			evolutions + "1.sql": "-- !Ups\nSELECT 1;\n-- !Downs\n", evolutions + "2.sql": "-- !Ups\nDO $$ BEGIN NULL;; END $$;\n-- !Downs\nSELECT 2;\n",
		}, "1 none; 2 none"},
		"Play cuts bodies and comments": {"conf/evolutions/default", map[string]string{
			evolutions + "1.sql": "-- !Ups\nDO $$ BEGIN NULL; END $$;\n-- !Downs\n",
			evolutions + "2.sql": "-- !Ups\n-- one; two\nSELECT 1;\n-- three;\n",
		}, "1 none, 2: error; 2 none, 2: error"},
		"Play, a gap, and one transaction": {"conf/evolutions/default", map[string]string{
			"conf/application.conf": "play.evolutions.db.default.autocommit = false\n",
			evolutions + "1.sql":    "-- !Ups\nSELECT 1;", evolutions + "3.sql": "-- !Ups\nSELECT 1;",
		}, "1 file; 3 file; together; ! 3.sql: Play reads the numbers up to the first gap: this evolution and all later ones never run, and nothing says so"},
		"MyBatis": {"db/scripts", map[string]string{
			"db/environments/development.properties": "driver=org.postgresql.Driver\n", "db/scripts/bootstrap.sql": sql,
			"db/scripts/1_a.sql": sql + "\n-- //@UNDO\n" + sql,
		}, "1_a file"},
		"MyBatis without a transaction in production": {"scripts", map[string]string{
			"environments/development.properties": "auto_commit=false\n", "environments/production.properties": "auto_commit=true\n", "scripts/1_a.sql": sql,
		}, "1_a none"},
		"postgrator": {"m", map[string]string{
			"package.json": `{"dependencies": {"postgrator": "8.0.0"}}`, "m/001.do.a.sql": sql, "m/001.undo.a.sql": sql, "m/002.do.sql": sql,
		}, "001.do.a message; 002.do message"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := described(t, tc.dir, tc.files); got != tc.want {
				t.Errorf("got  %s\nwant %s", got, tc.want)
			}
		})
	}
}
