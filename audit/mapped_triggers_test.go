package audit

import (
	"testing"

	"github.com/onward-sql/onward/onward"
)

// A mapper changes rows of its tables, and no query shows that: a trigger that raises on UPDATE may refuse them.
func TestTriggerOnMappedTable(t *testing.T) {
	t.Parallel()
	const (
		alchemy = "-- app/models.py --\nclass Profile(Base):\n    __tablename__ = \"profiles\"\n    id = Column(Integer, primary_key=True)\n" +
			"    token = Column(Text)\n" +
			"-- app/main.py --\nfrom models import Profile\n\ndef forget(session, id):\n    p = session.get(Profile, id)\n" +
			"    p.token = \"\"\n    session.commit()\n"
		entity = "-- src/profile.entity.ts --\nimport { Column, Entity } from 'typeorm';\n\n@Entity('profiles')\nexport class Profile {\n" +
			"  @PrimaryColumn()\n  id: number;\n  @Column()\n  token: string;\n}\n" +
			"-- src/forget.ts --\nasync function forget(repo: Repository<Profile>, p: Profile) {\n  p.token = '';\n  await repo.save(p);\n}\n"
		reader = "-- store/a.go --\npackage store\n\nconst q = `SELECT id, token FROM profiles`\n"
		writer = "-- store/a.go --\npackage store\n\nconst q = `UPDATE profiles SET token = $1 WHERE id = $2`\n"
		begin  = "SET lock_timeout = '2s';\nCREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
		end    = " RETURN NEW; END $$;\nCREATE TRIGGER t BEFORE UPDATE ON profiles FOR EACH ROW EXECUTE FUNCTION f();\n"
		frozen = begin + "IF OLD.token <> NEW.token THEN RAISE EXCEPTION 'no'; END IF;" + end
		key    = begin + "IF OLD.id <> NEW.id THEN RAISE EXCEPTION 'no'; END IF;" + end
		rare   = begin + "IF OLD.token IS NOT NULL AND NEW.token = '' THEN RAISE EXCEPTION 'no'; END IF;" + end
		noted  = begin + "IF OLD.token <> NEW.token THEN RAISE NOTICE 'no'; END IF;" + end
		other  = begin + "IF OLD.note <> NEW.note THEN RAISE EXCEPTION 'no'; END IF;" + end
	)
	for name, tc := range map[string]struct{ files, sql, may, must string }{
		"a class of SQLAlchemy, a frozen column": {alchemy, frozen, "warning", ""},
		"an entity, a frozen column":             {entity, frozen, "warning", ""},
		"an entity, a condition":                 {entity, rare, "warning", ""},
		"an entity, its key":                     {entity, key, "", ""},
		"an entity, a notice":                    {entity, noted, "", ""},
		"an entity, a column that it lacks":      {entity, other, "", ""},
		"a query that reads, a frozen column":    {reader, frozen, "", ""},
		"a query that reads, a condition":        {reader, rare, "", ""},
		"a query that writes, a frozen column":   {writer, frozen, "", "error"},
		"a query that writes, a condition":       {writer, rare, "warning", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			repo := repository(t, "-- db/migrations/1_a/migration.sql --\nCREATE TABLE profiles (id int PRIMARY KEY, token text, note text);\n"+tc.files,
				"-- db/migrations/2_b/migration.sql --\n"+tc.sql)
			report := changelog0(t, Config{Dir: repo})
			if maySeverity, mustSeverity := severityOf(report, "trigger-may-refuse-writes"), severityOf(report, "trigger-refuses-writes"); maySeverity != tc.may ||
				mustSeverity != tc.must {
				t.Errorf("%q and %q, want %q and %q: %v", maySeverity, mustSeverity, tc.may, tc.must, found(report))
			}
			state := onward.StateSafe
			switch {
			case tc.must != "":
				state = onward.StateNotSafe
			case tc.may != "":
				state = onward.StateSafeIf
			}
			if report.Summary.State != state {
				t.Errorf("the release is %s, want %s: %s", report.Summary.State, state, report.Summary.Verdict)
			}
		})
	}
}
