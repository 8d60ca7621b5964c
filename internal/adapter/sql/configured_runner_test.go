package sql

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/onward-sql/onward/config"
	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/adapter/adaptertest"
	"github.com/onward-sql/onward/onward"
)

// A team's own program, as onward.yaml describes it. A line of want is a migration: its ID, how it is sent, and its text, after " < " the
// SQL that undoes it.
func TestConfiguredRunner(t *testing.T) {
	t.Parallel()
	file, none, message := onward.TransactionFile, onward.TransactionNone, onward.TransactionMessage
	for name, tc := range map[string]struct {
		runner config.Runner
		files  string // "NAME: TEXT" lines; \n in a text is a line break
		want   string
	}{
		"defaults: files of the directory by number": {
			config.Runner{Transaction: file},
			"m/10_b.sql: B\nm/9_a.sql: A\nm/deep/1_c.sql: C\nm/readme.md: x",
			"9_a file A\n10_b file B",
		},
		"names as texts": {
			config.Runner{Order: config.OrderName, Transaction: file},
			"m/10_b.sql: B\nm/9_a.sql: A",
			"10_b file B\n9_a file A",
		},
		"directories of versions, and files that are for Postgres only": {
			config.Runner{Files: []string{"*/delta/*/*.sql", "*/delta/*/*.sql.postgres"}, Programs: []string{"*/delta/*/*.py"}, Transaction: none},
			"m/main/delta/9/02_b.sql: B\nm/main/delta/10/01_c.sql.postgres: C\n" +
				"m/state/delta/9/01_a.sql: A\nm/main/delta/9/03_p.py: P\nm/main/delta/10/01_c.sql.sqlite: S",
			"state/delta/9/01_a none A\nmain/delta/9/02_b none B\nmain/delta/9/03_p.py none not judged\nmain/delta/10/01_c.sql.postgres none C",
		},
		"a list, with a file that is not there and one that it does not name": {
			config.Runner{List: "order.txt", Transaction: file},
			"m/b.sql: B\nm/a.sql: A\nm/c.sql: C\nm/order.txt: # c.sql\\n- b.sql\\na\\nd.sql",
			"b file B\na file A\nnot judged: m/c.sql: SQL file that m/order.txt does not name\n" +
				"refused: m/order.txt:4: the list names d.sql, which is no file of the directory",
		},
		"a list in JSON, and one of psql": {
			config.Runner{List: "../order.json", Files: []string{"**/*.sql"}, Transaction: file},
			"m/x/b.sql: B\nm/a.sql: A\norder.json: [\"x/b.sql\", \"./a.sql\"]",
			"x/b file B\na file A",
		},
		"a list that is missing": {
			config.Runner{List: "order.txt", Transaction: file},
			"m/a.sql: A",
			"a file A\nnot judged: m/order.txt: the list of migrations",
		},
		"down files beside, and in a directory of their own": {
			config.Runner{Files: []string{"**/*.sql"}, Down: []string{"*.down.sql", "undo/*.sql"}, Transaction: file},
			"m/1_a.up.sql: A\nm/1_a.down.sql: -A\nm/2_b_up.sql: B\nm/undo/2_b.sql: -B\nm/3_c.sql: C",
			"1_a.up file A < file -A\n2_b_up file B < file -B\n3_c file C",
		},
		"markers in a file": {
			config.Runner{UpMarker: "-- !Up", DownMarker: "-- !Down", Transaction: file},
			"m/1.sql: head\\n-- !Up first\\nA\\n-- !Down\\n-A\\n  -- !Up\\nAA\\nm/2.sql: B",
			"1 file A|AA\\nm/2.sql: B < file -A",
		},
		"a marker only before the down part": {
			config.Runner{DownMarker: "-- undo", Transaction: message},
			"m/1.sql: A\\n-- undoing is no marker\\n-- undo\\n-A\nm/2.sql: B",
			"1 message A\\n-- undoing is no marker < message -A\n2 message B",
		},
		"a marker that switches the transaction off": {
			config.Runner{NoTransactionMarker: "-- alone", DownMarker: "-- undo", Transaction: file},
			"m/1.sql: -- alone\\nA\\n-- undo\\n-A\nm/2.sql: B -- alone",
			"1 message -- alone\\nA < message -A\n2 file B -- alone",
		},
		"and sends statement by statement": {
			config.Runner{NoTransactionMarker: "-- alone", NoTransactionMode: none, Transaction: file},
			"m/1.sql: -- alone\\nA\nm/2.sql: B",
			"1 none -- alone\\nA\n2 file B",
		},
		"other tools' markers mean nothing": {
			config.Runner{Transaction: file},
			"m/1.sql: -- migrate:up transaction:false\\nA\\n-- migrate:down\\nB",
			"1 file -- migrate:up transaction:false\\nA\\n-- migrate:down\\nB",
		},
		"texts that are replaced, in both ways": {
			config.Runner{
				Replace: map[string]string{"{{ .Schema }}": "a_long_name_of_a_schema", "$S": "s", "$S2": "t", "/* T */": ""},
				Down:    []string{"*.down.sql"}, Transaction: file,
			},
			"m/1.sql: {{ .Schema }}.x '$S' $S2 /* T */y\nm/1.down.sql: $S",
			"1 file a_long_name_of_a_schema.x 's' t y < file s",
		},
		"all pending files in one transaction": {
			config.Runner{Together: true, Transaction: file},
			"m/1.sql: A", "1 file A\ntogether",
		},
		"how files are sent is unknown": {
			config.Runner{}, "m/1.sql: A", "1 none A\nassumed",
		},
		"psql's own commands": {
			config.Runner{PSQL: true, Transaction: none},
			"m/1.sql: \\set x users\\nDROP TABLE :x;\nm/2.sql: SELECT 1;",
			"1 none \\set x users|DROP TABLE users\n2 none SELECT 1;",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			files := map[string]string{}
			for l := range strings.SplitSeq(tc.files, "\n") {
				path, text, _ := strings.Cut(l, ": ")
				files[path] = strings.ReplaceAll(text, `\n`, "\n")
			}
			if diff := cmp.Diff(tc.want, describeConfigured(t, &tc.runner, adaptertest.Text(files))); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func describeConfigured(t *testing.T, r *config.Runner, tree adapter.Tree) string {
	t.Helper()
	s := adapter.Source{Framework: Name, Dir: "m", Deep: true, Options: adapter.Options{Own: r}}
	set, err := Adapter{}.Load(context.Background(), tree, s)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, m := range set.Migrations {
		out = append(out, strings.ReplaceAll(describeBothWays(t, tree, s, m), "\n", `\n`))
	}
	for _, o := range set.Opaque {
		out = append(out, fmt.Sprintf("not judged: %s: %s", o.Path, o.What))
	}
	for _, p := range set.Problems {
		out = append(out, fmt.Sprintf("refused: %s:%d: %s", p.Path, p.Line, p.Message))
	}
	if set.Together {
		out = append(out, "together")
	}
	if set.Evidence.Assumed {
		out = append(out, "assumed")
	}
	return strings.Join(out, "\n")
}

func describeBothWays(t *testing.T, tree adapter.Tree, s adapter.Source, m *adapter.Migration) string {
	t.Helper()
	var parts []string
	for _, p := range m.Source.Parts {
		parts = append(parts, p.SQL)
	}
	text := strings.Join(parts, "|")
	if len(m.Opaque) > 0 {
		text = "not judged"
	}
	text = fmt.Sprintf("%s %s %s", m.ID, m.Source.Mode, text)
	down, err := Adapter{}.Down(tree, s, m)
	if err != nil {
		t.Fatal(err)
	}
	if down != nil && len(m.Opaque) == 0 {
		text += fmt.Sprintf(" < %s %s", down.Mode, down.Parts[0].SQL)
	}
	return text
}

// A further migration is written as the program expects it.
func TestConfiguredForm(t *testing.T) {
	t.Parallel()
	tree := adaptertest.Text(map[string]string{"m/1_a.up.sql": "A", "m/1_a.down.sql": "B"})
	form := func(r config.Runner) *adapter.Form {
		s := adapter.Source{Framework: Name, Dir: "m", Deep: true, Options: adapter.Options{Own: &r}}
		set, err := Adapter{}.Load(context.Background(), tree, s)
		if err != nil {
			t.Fatal(err)
		}
		return Adapter{}.Form(tree, set)
	}
	got := form(config.Runner{
		Name: "bin/migrate", Files: []string{"*.up.sql"}, Down: []string{"*.down.sql"}, UpMarker: "-- up", DownMarker: "-- down",
		NoTransactionMarker: "-- alone", Transaction: onward.TransactionFile,
	})
	want := &adapter.Form{
		Name: "bin/migrate", Up: ".up.sql", Down: ".down.sql", Transaction: onward.TransactionFile,
		Head: "-- up\n", HeadAlone: "-- alone\n-- up\n", Foot: "-- down\n", FootAlone: "-- down\n",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got := form(config.Runner{Together: true, Transaction: onward.TransactionFile}); got != nil {
		t.Errorf("all files are one transaction, and a form is %v", got)
	}
	if got := form(config.Runner{List: "order.txt"}); got.Unwritable == "" {
		t.Error("a file that the list does not name can be written")
	}
}

// Hostile files take time that grows with their size only.
func TestConfiguredRunnerHostile(t *testing.T) {
	t.Parallel()
	const size = 5 << 20
	repeat := func(s string) string { return strings.Repeat(s, size/len(s)) }
	for name, tc := range map[string]struct {
		runner config.Runner
		files  map[string]string
	}{
		"a list of one word again and again": {config.Runner{List: "l"}, map[string]string{"m/1.sql": "A", "m/l": repeat("1.sql ")}},
		"a list of unknown names":            {config.Runner{List: "l"}, map[string]string{"m/1.sql": "A", "m/l": repeat("x.sql\n")}},
		"markers in every line": {
			config.Runner{UpMarker: "-- u", DownMarker: "-- d", NoTransactionMarker: "-- n"}, map[string]string{"m/1.sql": repeat("-- u\n-- d\n")},
		},
		"almost a marker":  {config.Runner{DownMarker: strings.Repeat("-", 199) + "x"}, map[string]string{"m/1.sql": repeat("-")}},
		"texts to replace": {config.Runner{Replace: map[string]string{"a": strings.Repeat("b", 1000)}}, map[string]string{"m/1.sql": repeat("a")}},
		"almost such a text": {
			config.Runner{Replace: map[string]string{strings.Repeat("a", 199) + "b": "", strings.Repeat("a", 198) + "c": ""}}, map[string]string{"m/1.sql": repeat("a")},
		},
		"numbers in a path": {
			config.Runner{Files: []string{"**"}},
			map[string]string{"m/" + strings.Repeat("1/", 1000) + "1.sql": "A", "m/" + strings.Repeat("1/", 999) + "2.sql": "A"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			started := time.Now()
			describeConfigured(t, &tc.runner, adaptertest.Text(tc.files))
			took := time.Since(started)
			t.Log(took)
			if took > 20*time.Second {
				t.Errorf("it took %v", took)
			}
		})
	}
}
