package audit

import (
	"testing"
)

// Flyway's files for developers' databases have a setting of their own profile. Production's history has none of them.
func TestRowsForDevelopers(t *testing.T) {
	t.Parallel()
	const in = "src/main/resources/"
	base := "-- " + in + "application.yml --\nspring.application.name: shop\n" +
		"-- " + in + "application-seed.yml --\nspring:\n  flyway:\n    locations: classpath:db/migration,classpath:db/local\n" +
		"-- " + in + "db/migration/V1__users.sql --\nCREATE TABLE users (id bigint PRIMARY KEY, name text);\n" +
		"-- " + in + "db/local/V99__rows.sql --\nINSERT INTO users (id, name) VALUES (1, 'a');\n"
	head := "-- " + in + "db/migration/V2__email.sql --\nSET lock_timeout = '2s';\nALTER TABLE users ADD COLUMN email text;\n" +
		"-- " + in + "db/local/V99__rows.sql --\nINSERT INTO users (id, name) VALUES (1, 'b');\n"
	r := changelog0(t, Config{Dir: repository(t, base, head), Base: "main"})
	if !r.Summary.Safe || r.Summary.Errors+r.Summary.Warnings != 0 || len(r.Opaque) != 0 || len(r.Migrations) != 1 {
		t.Errorf("%s: %d migrations, %+v, %+v", r.Summary.Verdict, len(r.Migrations), r.Findings, r.Opaque)
	}
	// A row for developers is no deployed code: what it needs is a warning.
	head = "-- " + in + "db/migration/V2__name.sql --\nSET lock_timeout = '2s';\nALTER TABLE users DROP COLUMN name;\n"
	if r = changelog0(t, Config{Dir: repository(t, base, head), Base: "main"}); severityOf(r, "column-drop") != "warning" {
		t.Errorf("column-drop: %s", severityOf(r, "column-drop"))
	}
}

// A location that is called like one for developers may be production's, if no setting says whose it is.
func TestUnnamedLocationIsNotRead(t *testing.T) {
	t.Parallel()
	const in = "src/main/resources/"
	for setting, isRead := range map[string]bool{
		"": false, "-- " + in + "application-dev.yml --\nspring.flyway.locations: classpath:db/migration,classpath:db/dev\n": true,
		"-- " + in + "application.yml --\nspring.flyway.locations: classpath:db/migration\n": false,
	} {
		base := "-- " + in + "db/migration/V1__users.sql --\nCREATE TABLE users (id bigint PRIMARY KEY, name text);\n" + setting
		r := changelog0(t, Config{Dir: repository(t, base, "-- "+in+"db/dev/V3__index.sql --\nCREATE INDEX users_name ON users (name);\n"), Base: "main"})
		if isRead != (len(r.Opaque) == 0) || isRead != r.Summary.Safe {
			t.Errorf("%q: the verdict is %s, want the location read: %v; unread: %+v", setting, r.Summary.Verdict, isRead, r.Opaque)
		}
	}
}
