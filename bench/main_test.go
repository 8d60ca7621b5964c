//go:build unix

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/onward-sql/onward/bench/cost"
	"github.com/onward-sql/onward/bench/measure"
	"github.com/onward-sql/onward/internal/golden"
)

func TestMain(m *testing.M) {
	cost.RunOne()
	os.Exit(m.Run())
}

// README.md has the rows and their limits as the table and the anchor file say them.
func TestRowsInReadme(t *testing.T) {
	t.Parallel()
	a, err := parseAnchor(golden.ReadFile(t, "anchor"))
	if err != nil {
		t.Fatal(err)
	}
	text := golden.ReadFile(t, "README.md")
	const first, last = "<!-- written by go test ./bench -update -->\n\n", "\n<!-- end of the rows -->"
	before, rest, begins := strings.Cut(text, first)
	_, after, ends := strings.Cut(rest, last)
	if !begins || !ends {
		t.Fatal("README.md has no place for the rows")
	}
	golden.CompareFile(t, "README.md", before+first+formatRows(a)+last+after)
}

// Each row has a name of its own, says what it is and has an input. Five are in the short form.
func TestRows(t *testing.T) {
	t.Parallel()
	seen, short := map[string]bool{}, 0
	for _, r := range rows {
		if seen[r.name] || r.what == "" || (r.run == "") != r.waits || inputs[r.input] == nil || strings.ContainsAny(r.name, " \t") {
			t.Errorf("%q is there twice, or lacks what it needs", r.name)
		}
		if seen[r.name] = true; r.short {
			short++
		}
	}
	if short != 5 {
		t.Errorf("%d rows are in the short form", short)
	}
	for _, test := range []struct {
		names string
		short bool
		want  int
	}{{"", false, len(rows)}, {"", true, 5}, {"hook check", false, 2}, {"hook", true, 1}, {"hock", false, 0}} {
		chosen, err := chooseRows(rows, strings.Fields(test.names), test.short)
		if len(chosen) != test.want || (err == nil) != (test.want > 0) {
			t.Errorf("%q: %d rows, %v", test.names, len(chosen), err)
		}
	}
}

func TestParseAnchor(t *testing.T) {
	t.Parallel()
	const commit, other = "fe12792bc5ce670f717d0ce12c6a2ea48faf8733", "384e8c533d5fe7958ea5a5fbcf601efca9224b9b"
	a, err := parseAnchor("# why\n" + commit + "\n\nhook " + other + " it has none\nhook 1.2 it parses twice\ncheck 1.3 rules\n")
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]exception{
		"hook": {commit: other, most: 1.2}, "check": {commit: commit, most: 1.3}, "one": {commit: commit, most: mostRatio},
	} {
		if found, most := a.find(name); found != want.commit || most != want.most {
			t.Errorf("%s: %s at most %v, want %+v", name, found, most, want)
		}
	}
	for text, want := range map[string]string{
		"":                                  "names no commit",
		"check 1.3 rules\n":                 "neither the commit nor a row",
		"fe12792b\n":                        "neither the commit nor a row",
		commit + "\nchick 1.3 rules\n":      "no row chick",
		commit + "\ncheck 1.3\n":            "and the reason",
		commit + "\ncheck 1.05 rules\n":     "neither a commit nor a limit above",
		commit + "\ncheck HEAD its program": "neither a commit nor a limit above",
		commit + "\ncheck 1.3 rules\ncheck 1.4 rules": "or is there twice",
	} {
		if _, err := parseAnchor(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}

// A row that became a fifth slower misses its limit, also in the short form, and equal programs do not, whatever single runs cost.
func TestMisses(t *testing.T) {
	t.Parallel()
	older := []int{100, 130, 90, 104, 99, 240, 101}
	for _, test := range []struct {
		name   string
		costs  []int
		slack  float64
		missed bool
	}{
		{"equal", older, 1, false},
		{"equal, but for two moments", []int{100, 400, 90, 104, 250, 240, 101}, 1, false},
		{"4 % slower", []int{104, 135, 94, 108, 103, 250, 105}, 1, false},
		{"6 % slower", []int{107, 140, 96, 111, 106, 257, 108}, 1, true},
		{"6 % slower, short", []int{107, 140, 96, 111, 106, 257, 108}, shortSlack, false},
		{"20 % slower", []int{120, 156, 108, 125, 119, 288, 122}, 1, true},
		{"20 % slower, short", []int{120, 156, 108, 125, 119, 288, 122}, shortSlack, true},
	} {
		list := []*contender{{name: "onward", costs: makeCosts(test.costs)}, {name: "anchor", most: mostRatio, costs: makeCosts(older)}}
		if missed := printRow(test.name, list, test.slack); missed != test.missed {
			t.Errorf("%s: missed %v", test.name, missed)
		}
	}
	for _, results := range [][]bool{{false}, {true, false}, {true, true, false}, {true, true, true}} {
		tried := 0
		if missed := tryRepeatedly(shortTries, func() bool { tried++; return results[tried-1] }); missed != results[len(results)-1] || tried != len(results) {
			t.Errorf("%v: missed %v after %d", results, missed, tried)
		}
	}
}

func makeCosts(milliseconds []int) (costs []cost.Usage) {
	for _, n := range milliseconds {
		costs = append(costs, cost.Usage{CPU: time.Duration(n) * time.Millisecond})
	}
	return costs
}

// The repository has all migrations of each tool, the release the new ones, and each change is written whole.
func TestGenerateRepository(t *testing.T) {
	t.Parallel()
	for tool := range migrationTools {
		base, release := generateRepository(tool)
		if n := len(base); n != codeFiles+migrations+len(migrationTools[tool].extra) {
			t.Errorf("%s: %d files", tool, n)
		}
		if n := len(release); n != newMigrations+codeFiles/editedEvery {
			t.Errorf("%s: %d files in the release", tool, n)
		}
		for name, text := range base {
			if strings.Contains(name+text, "%!") || strings.Contains(name, "@_") || strings.Contains(text, "@_") {
				t.Fatalf("%s: %s is not whole:\n%s", tool, name, text)
			}
		}
	}
}

func TestListClones(t *testing.T) {
	t.Parallel()
	list, err := listClones("/src/shop@v1..v2 /src/rooms@a..b")
	if err != nil || len(list) != 4 || list[0].name != "shop-cold" || list[3].dir != "/src/rooms" || !strings.Contains(list[1].run, "--base v1 --head v2") {
		t.Errorf("%+v, %v", list, err)
	}
	for _, text := range []string{"/src/shop", "/src/shop@v1", "v1..v2"} {
		if list, err := listClones(text); err == nil {
			t.Errorf("%s: %+v", text, list)
		}
	}
}

// Each round begins with another program, the first does not count, and a run that was not expected to fail is an error.
func TestTakeTurns(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	measure.WriteFiles(dir, map[string]string{"log.sh": "printf %s $1 >> log\ntest $1 != $2"})
	b := &bench{Context: t.Context(), pairs: 2}
	turn := func(fails string) error {
		list := []*contender{{name: "A", run: "sh log.sh A " + fails}, {name: "B", run: "sh log.sh B " + fails}}
		err := measure.Catch(func() { b.takeTurns(&row{name: "turns"}, dir, list) })
		if err == nil && (len(list[0].costs) != 2 || len(list[1].costs) != 2 || list[0].costs[0].CPU <= 0) {
			t.Errorf("costs %+v and %+v", list[0].costs, list[1].costs)
		}
		return err
	}
	if err := turn("none"); err != nil {
		t.Fatal(err)
	}
	if order := golden.ReadFile(t, filepath.Join(dir, "log")); order != "ABBAAB" {
		t.Errorf("the order is %s", order)
	}
	if err := turn("B"); err == nil || !strings.Contains(err.Error(), "turns with B") {
		t.Errorf("B failed, and the error is %v", err)
	}
}
