package audit

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Git for Windows checks files out with other line ends than they have: that
// is no edit of a migration. One that a commit gives them is.
func TestLineEndsOfTheCheckout(t *testing.T) {
	t.Parallel()
	const base = `
-- Cargo.toml --
[dependencies]
sqlx = { version = "0.8", features = ["postgres", "migrate"] }
-- migrations/0001_users.sql --
CREATE TABLE users (id bigint PRIMARY KEY);
CREATE TABLE orders (id bigint PRIMARY KEY);
-- migrations/0002_more.sql --
CREATE TABLE more (id bigint PRIMARY KEY);
`
	for name, edit := range map[string]struct {
		head string
		want []string
	}{
		"nothing new": {"", nil},
		"one edited": {
			"-- migrations/0002_more.sql --\nCREATE TABLE more (id bigint PRIMARY KEY, n int);\n",
			[]string{"error release-migration-edited 0002_more.sql:1"},
		},
		"one under another name": {
			"-- migrations/0001_users.sql --\n-- migrations/0001_people.sql --\nCREATE TABLE users (id bigint PRIMARY KEY);\nCREATE TABLE orders (id bigint PRIMARY KEY);\n",
			nil,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := repository(t, base, edit.head)
			before := found(changelog0(t, Config{Dir: dir, Base: "main"}))
			git := func(args ...string) {
				cmd := exec.Command("git", args...)
				cmd.Dir = dir
				if out, err := cmd.CombinedOutput(); err != nil {
					t.Fatalf("git %v: %v\n%s", args, err, out)
				}
			}
			git("config", "core.autocrlf", "true")
			git("rm", "-rq", "--cached", ".")
			git("reset", "-q", "--hard")
			text, err := os.ReadFile(filepath.Join(dir, "Cargo.toml"))
			if err != nil || string(text[:16]) != "[dependencies]\r\n" {
				t.Fatalf("the files have no other line ends: %q, %v", text, err)
			}
			r := changelog0(t, Config{Dir: dir, Base: "main"})
			if edit.want == nil {
				edit.want = before
			}
			if diff := cmp.Diff(edit.want, found(r)); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
			for _, f := range r.Findings {
				t.Log(f.Fact)
			}
		})
	}
}
