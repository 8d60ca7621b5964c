package plan_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/onward-sql/onward/audit"
	"github.com/onward-sql/onward/internal/gitrange/gittest"
	"github.com/onward-sql/onward/onward"
	"github.com/onward-sql/onward/plan"
	"github.com/onward-sql/onward/rehearse"
)

// TestParents changes the keys of a family. The proof deletes and changes parents after each step; a step that
// undoes what a referential action did, for as long as contract takes, is found by nothing else.
func TestParents(t *testing.T) {
	t.Parallel()
	const base = `CREATE TABLE users (id int PRIMARY KEY, name text UNIQUE);
CREATE TABLE posts (id bigint PRIMARY KEY, author int REFERENCES users (id) ON DELETE SET NULL ON UPDATE CASCADE);
CREATE TABLE notes (id bigint PRIMARY KEY, author int REFERENCES users (id) ON DELETE CASCADE, name text REFERENCES users (name) ON DELETE SET NULL ON UPDATE SET NULL);`
	const release = `ALTER TABLE users ALTER COLUMN id TYPE bigint;
ALTER TABLE posts ALTER COLUMN author TYPE bigint;
ALTER TABLE notes ALTER COLUMN author TYPE bigint;`
	undone := func(p *onward.Plan) {
		first, last := &p.Steps[p.Contract()-1], &p.Steps[len(p.Steps)-1]
		first.SQL += "\nCREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.author := OLD.author; RETURN NEW; END';\n" +
			"CREATE TRIGGER zzzz_keep BEFORE UPDATE ON posts FOR EACH ROW EXECUTE FUNCTION keep();"
		first.Undo = "DROP FUNCTION keep() CASCADE;\n" + first.Undo
		last.SQL = "DROP FUNCTION keep() CASCADE;\n" + last.SQL
	}
	t.Run("release fails on rows", func(t *testing.T) {
		t.Parallel()
		const failing = "ALTER TABLE users ADD COLUMN score int NOT NULL;\n"
		c := plan.Config{Config: rehearse.Config{Config: audit.Config{Dir: repository(t, base, release+failing), Base: "main", Head: "feature"}, Majors: []int{17}}}
		c.Quiet()
		p := makePlan(t, c)
		for _, check := range p.Proof.Checks {
			if strings.Contains(check.Name, "parents") {
				t.Errorf("nothing was compared, and the proof says: %s: %s", check.Name, check.Detail)
			}
		}
		if !strings.HasPrefix(p.Proof.Rows, "the unchanged migrations fail on made-up rows: ") {
			t.Errorf("the proof does not say that the release fails on rows: %q, %s", p.Proof.Rows, told(p))
		}
	})
	for name, spoil := range map[string]func(*onward.Plan){"held": func(*onward.Plan) {}, "undone": undone} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := plan.Config{Config: rehearse.Config{Config: audit.Config{Dir: repository(t, base, release), Base: "main", Head: "feature"}, Majors: []int{17}}}
			c.Spoil(spoil)
			c.Quiet()
			p := makePlan(t, c)
			index := slices.IndexFunc(p.Proof.Checks, func(c onward.PlanCheck) bool { return strings.Contains(c.Name, "parents") })
			if index < 0 {
				t.Fatalf("no check of parents: %s", told(p))
			}
			check := p.Proof.Checks[index]
			switch {
			case name == "held" && (!p.Proof.Proven || check.Detail != "6 writes to parents"):
				t.Errorf("the plan is not proven with 6 writes to parents:\n%s", told(p))
			case name == "undone" && (check.OK || !strings.Contains(check.Detail, "posts_author_fkey of posts: DELETE FROM users")):
				t.Errorf("the check of parents misses the undone action of posts_author_fkey:\n%s", told(p))
			}
			for _, other := range p.Proof.Checks {
				if other.Name != check.Name && !other.OK {
					t.Errorf("the check %q fails, want only %q to fail: %s", other.Name, check.Name, other.Detail)
				}
			}
		})
	}
}

// TestForeignKeyThatSetsNull: a foreign key that sets a column to NULL takes the place of another one after the column accepts NULL.
// DROP NOT NULL waits for the deployed code here, because its struct cannot take NULL.
func TestForeignKeyThatSetsNull(t *testing.T) {
	t.Parallel()
	const schema = `CREATE TABLE letters (id bigint PRIMARY KEY);
CREATE TABLE entries (id bigint PRIMARY KEY, letter_id bigint NOT NULL, CONSTRAINT entries_letter FOREIGN KEY (letter_id) REFERENCES letters (id) ON DELETE CASCADE);`
	const release = `ALTER TABLE entries DROP CONSTRAINT entries_letter;
ALTER TABLE entries ALTER COLUMN letter_id DROP NOT NULL;
ALTER TABLE entries ADD CONSTRAINT entries_letter FOREIGN KEY (letter_id) REFERENCES letters (id) ON DELETE SET NULL;`
	const code = "package main\n\ntype Entry struct {\n\tID       int64 `db:\"id\"`\n\tLetterID int64 `db:\"letter_id\"`\n}\n\n" +
		"func list(db DB) (out []Entry, err error) {\n\terr = db.Select(&out, \"SELECT id, letter_id FROM entries\")\n\treturn out, err\n}\n"
	dir := gittest.Commits(t, map[string]string{"migrations/00001_a.sql": "-- +goose Up\n" + schema + "\n", "main.go": code},
		map[string]string{"migrations/00002_b.sql": "-- +goose Up\n" + release + "\n", "main.go": strings.Replace(code, "LetterID int64", "LetterID *int64", 1)})
	c := plan.Config{Config: rehearse.Config{Config: audit.Config{Dir: dir, Base: "main", Head: "feature"}, Majors: []int{17}}}
	c.Quiet()
	p := makePlan(t, c)
	if !p.Proof.Proven {
		t.Errorf("the plan is not proven:\n%s", told(p))
	}
	for i := range p.Steps {
		if s := &p.Steps[i]; strings.Contains(s.SQL, "SET NULL") && s.Phase != onward.Contract {
			t.Errorf("%s comes before DROP NOT NULL\n%s", s.ID, told(p))
		}
	}
}
