package plan_test

import (
	"cmp"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/adapter/adaptertest"
	"github.com/onward-sql/onward/internal/adapter/all"
	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/internal/rotation"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/internal/rules"
	"github.com/onward-sql/onward/internal/rules/tools/ruletest"
	"github.com/onward-sql/onward/internal/script"
	"github.com/onward-sql/onward/onward"
	"github.com/onward-sql/onward/plan"
)

// flywayLacks matches statements whose safe form Flyway's list of statements outside of a transaction does not have.
var flywayLacks = regexp.MustCompile(`DETACH|REINDEX (TABLE|INDEX)`)

// What a finding brings as files, put in the place of what it was found in, says for each
// runner what a server takes, and neither the finding nor an error comes again.
func TestFilesOfFindings(t *testing.T) {
	t.Parallel()
	found, picked := 0, rotation.Pick(t, 3, rules.All())
	t.Run("rules", func(t *testing.T) {
		for _, r := range picked {
			f, err := ruletest.Read(r.ID)
			if err != nil {
				t.Fatal(err)
			}
			rel := example(t, r, f)
			if rel == nil {
				continue
			}
			found++
			t.Run(r.ID, func(t *testing.T) {
				t.Parallel()
				ran := map[string]bool{}
				for _, runner := range slices.Sorted(maps.Keys(layouts)) {
					tree, files, found := pasted(t, r, f, rel, runner)
					switch {
					case !found: // it sends the statements so that there is nothing to find
						continue
					case len(files) == 0 && runner == "Flyway" && flywayLacks.MatchString(rel.SQL()): // not in its list
						continue
					case len(files) == 0:
						t.Errorf("%s: no files", runner)
						continue
					}
					paths := map[string]bool{}
					for _, file := range files {
						if paths[file.Path] {
							t.Errorf("%s: the finding has the file %s twice", runner, file.Path)
						}
						paths[file.Path] = true
					}
					if slices.ContainsFunc(files, func(f onward.File) bool { return strings.Contains(f.Text, "of the plan") }) {
						t.Errorf("%s: a file of a finding names a plan:\n%s", runner, files[0].Text)
					}
					judgedAgain(t, r, f, rel, runner, tree, ran)
				}
			})
		}
	})
	if found == 0 || len(picked) == len(rules.All()) && found < 24 {
		t.Errorf("only %d of %d rules bring files", found, len(picked))
	}
}

// example returns a bad example of a rule whose findings have files; preferably one that is
// replaced completely.
func example(t *testing.T, r *rule.Rule, f *ruletest.Fixture) (out *ruletest.Release) {
	t.Helper()
	for i := range f.Releases {
		rel := &f.Releases[i]
		if !rel.IsBad() || len(rel.Files) != 1 || len(rel.Unseen) > 0 || rel.Fails != "" && rel.Fails != "none" || !slices.Contains(rel.Versions, 17) {
			continue
		}
		tree, files, _ := pasted(t, r, f, rel, "goose")
		if len(files) == 0 {
			continue
		}
		if len(tree) == len(layouts["goose"].beside)+1+len(files) {
			return rel
		}
		if out == nil {
			out = rel
		}
	}
	return out
}

// laidOut returns a project of a runner with a base and, if it is not empty, a release.
func laidOut(runner, base, release string) adaptertest.Files {
	l := layouts[runner]
	files := adaptertest.Text(l.beside)
	files[l.base] = []byte(textOf(l.text, l.base, base))
	if strings.TrimSpace(release) != "" {
		files[l.release] = []byte(textOf(l.text, l.release, release))
	}
	return files
}

// loaded is what the adapter reads that claims a project.
func loaded(t *testing.T, tree adapter.Tree) (*adapter.Set, adapter.Adapter) {
	t.Helper()
	sources, _ := adapter.DetectSources(tree, all.ListAdapters())
	chosen, _ := adapter.ChooseSources(sources)
	if len(chosen) != 1 {
		t.Fatalf("%d sources: %+v", len(chosen), chosen)
	}
	a, _ := all.FindAdapter(chosen[0].Framework)
	set, err := a.Load(t.Context(), tree, chosen[0])
	if err != nil {
		t.Fatal(err)
	}
	return set, a
}

// fold is a migration as an engine takes it.
func fold(t *testing.T, m *adapter.Migration) *rule.Migration {
	t.Helper()
	s, err := script.BuildScript(m.Source)
	if err != nil || m.Failed != "" {
		t.Fatalf("%s cannot be read: %v %s", m.Path, err, m.Failed)
	}
	return &rule.Migration{
		ID:        m.ID,
		Path:      m.Path,
		Framework: m.Framework,
		Status:    onward.StatusNew,
		Mode:      m.Source.Mode,
		Script:    s,
		Runner:    m.Runner,
		Refusals:  m.Problems,
	}
}

// pasted is a project of a runner in which the files of a rule's findings took the place of the
// statements that they were found in.
func pasted(t *testing.T, r *rule.Rule, f *ruletest.Fixture, rel *ruletest.Release, runner string) (tree adaptertest.Files, files []onward.File, found bool) {
	t.Helper()
	sql := ruletest.CleanExample(rel.SQL())
	tree = laidOut(runner, f.Before+"\nSELECT 1;", sql)
	set, a := loaded(t, tree)
	form := a.(adapter.Writer).Form(tree, set)
	w, err := adapter.NewWriting(tree, set, form, time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC))
	if err != nil {
		t.Fatal(err)
	}
	e, err := f.NewEngine([]*rule.Rule{r}, []int{17})
	if err != nil {
		t.Fatal(err)
	}
	m := fold(t, set.Migrations[len(set.Migrations)-1])
	e.FoldMigration(m)
	e.RunRules(m)
	migrationCopy := *m // the engine lets go of the statements
	for i, s := range m.Statements {
		stmtCopy, statementCopy := *s, *s.Statement
		stmtCopy.Statement = &statementCopy
		migrationCopy.Statements = slices.Concat(migrationCopy.Statements[:i:i], []*rule.Stmt{&stmtCopy}, m.Statements[i+1:])
	}
	findings, _ := e.Finish()
	report := &onward.Report{Base: "main", Head: "feature", Postgres: []int{17}, Findings: findings}
	whole := plan.Ways(report, &migrationCopy, w)
	lines := strings.SplitAfter(string(tree[layouts[runner].release]), "\n")
	for i := range report.Findings {
		x := &report.Findings[i]
		found = found || x.Rule == r.ID
		if x.Rule != r.ID || len(x.Files) == 0 {
			continue
		}
		files = append(files, x.Files...)
		for n := x.Line; n <= x.EndLine; n++ {
			lines[n-1] = ""
		}
	}
	tree[layouts[runner].release] = []byte(strings.Join(lines, ""))
	if left := fold(t, last(t, tree, layouts[runner].release)); len(left.Script.Statements) > 0 {
		// Other statements of the migration may depend on it, so they are read with it.
		for _, file := range whole {
			tree[file.Path] = []byte(file.Text)
		}
	}
	delete(tree, layouts[runner].release)
	for _, file := range files {
		tree[file.Path] = []byte(file.Text)
	}
	return tree, files, found
}

func last(t *testing.T, tree adapter.Tree, path string) *adapter.Migration {
	t.Helper()
	set, _ := loaded(t, tree)
	for _, m := range set.Migrations {
		if m.Path == path {
			return m
		}
	}
	t.Fatalf("%s is not read", path)
	return nil
}

// judgedAgain holds that the rule, and no error, comes again, and that a server takes it all.
func judgedAgain(t *testing.T, r *rule.Rule, f *ruletest.Fixture, rel *ruletest.Release, runner string, tree adaptertest.Files, ran map[string]bool) {
	t.Helper()
	e, err := f.NewEngine(rules.All(), []int{17})
	if err != nil {
		t.Fatal(err)
	}
	set, _ := loaded(t, tree)
	var messages []string
	for _, m := range set.Migrations {
		if m.Path == layouts[runner].base {
			continue
		}
		x := fold(t, m)
		e.FoldMigration(x)
		for _, s := range x.Statements {
			if s.Err != nil {
				t.Errorf("%s: fold %s:%d: %v", runner, m.Path, s.Line, s.Err)
			}
		}
		messages = append(messages, sent(x)...)
		e.RunRules(x)
	}
	findings, _ := e.Finish()
	for _, x := range findings {
		if x.Rule == r.ID || x.Severity == onward.Error {
			t.Errorf("%s: %s: the written file has the finding %s %s: %s\n%s", runner, rel.Name, x.Rule, x.Path, x.Fact, tree[x.Path])
		}
	}
	if key := strings.Join(messages, "\x00"); !ran[key] {
		ran[key] = true
		conn := pgservertest.Connect(t, pgservertest.Database(t, 17))
		for _, sql := range append([]string{cmp.Or(f.Before, "SELECT 1")}, messages...) {
			if _, err := conn.Exec(t.Context(), sql); err != nil {
				t.Fatalf("%s: %s: run a written statement: %v\n%s", runner, rel.Name, err, sql)
			}
		}
	}
}

// sent are the messages as which a runner sends a migration: what runs in one transaction is one.
func sent(m *rule.Migration) []string {
	var out []string
	open := 0
	for _, s := range m.Statements {
		if s.Parent >= 0 || s.In != "" {
			continue
		}
		if m.Mode != onward.TransactionNone && s.Statement.Tx == open && open != 0 {
			out[len(out)-1] += s.SQL + ";\n"
			continue
		}
		open = s.Statement.Tx
		out = append(out, s.SQL+";\n")
	}
	return out
}
