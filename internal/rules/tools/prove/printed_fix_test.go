package prove

import (
	"context"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/onward-sql/onward/internal/live"
	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/internal/rotation"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/internal/rules"
	"github.com/onward-sql/onward/internal/rules/skipped"
	"github.com/onward-sql/onward/internal/rules/tools/ruletest"
	"github.com/onward-sql/onward/internal/rules/transaction"
	"github.com/onward-sql/onward/onward"
)

// judge lists what is found in files, and their statements.
func judge(f *ruletest.Fixture, files []sentFile, major int) ([]onward.Finding, []*rule.Stmt, error) {
	e, err := f.NewEngine(recommended(), []int{major})
	if err != nil {
		return nil, nil, err
	}
	var statements []*rule.Stmt
	for _, m := range files {
		e.FoldMigration(m.Migration)
		for _, s := range m.Statements {
			if s.Err != nil {
				return nil, nil, s.Err
			}
			if s.Fault != nil {
				return nil, nil, s.Fault
			}
			statements = append(statements, s)
		}
		e.RunRules(m.Migration)
	}
	findings, _ := e.Finish()
	return findings, statements, nil
}

// recommended are the rules that are on by default.
func recommended() (out []*rule.Rule) {
	for _, r := range rules.All() {
		if r.OnlyIn == "" {
			out = append(out, r)
		}
	}
	return out
}

// messages are what a tool sends: the statements of one transaction are one message, and so are all files of a run that
// share a transaction.
func messages(files []sentFile) []string {
	var out []string
	open, sharedTx := 0, 0
	for _, m := range files {
		if sharedTx != 0 && m.Together != sharedTx {
			out, sharedTx = append(out, "COMMIT"), 0
		}
		if m.Together != 0 && sharedTx == 0 {
			out, sharedTx = append(out, "BEGIN"), m.Together
		}
		for _, s := range m.Script.Statements {
			if s.Parent >= 0 {
				continue
			}
			if m.Mode != onward.TransactionNone && s.Tx == open && open != 0 && sharedTx == 0 {
				out[len(out)-1] += s.SQL + ";\n"
				continue
			}
			open = s.Tx
			out = append(out, s.SQL+";\n")
		}
		open = 0
	}
	if sharedTx != 0 {
		out = append(out, "COMMIT")
	}
	return out
}

// fixBench runs what fixes make, and reads what they leave.
type fixBench struct {
	*Bench
	objects *live.Objects
	major   int
	known   map[string]left
	odd     string // what the objects get that no migration names
}

// left is what messages leave in the database, or the error of one.
type left struct {
	objects map[string]string
	// details are what the objects have beside their definitions. late are columns whose next number exists already.
	details, late map[string]string
	err           error
}

// run sends messages after the fixture's base.
func (b *fixBench) run(t *testing.T, f *ruletest.Fixture, ex *ruletest.Release, messages []string) left {
	t.Helper()
	key := f.Before + "\x00" + b.odd + "\x00" + strings.Join(messages, "\x00")
	if known, ok := b.known[key]; ok {
		return known
	}
	if err := b.prepareDatabase(t.Context(), f, ex); err != nil {
		t.Fatal(err)
	}
	if b.odd != "" {
		if err := b.o.Exec(t.Context(), b.odd); err != nil {
			t.Fatalf("%v\n%s", err, f.Before)
		}
	}
	out := left{objects: map[string]string{}}
	for _, sql := range messages {
		if err := b.o.Exec(t.Context(), sql); err != nil {
			out.err = fmt.Errorf("%w\n%s", err, sql)
			break
		}
	}
	if b.o.InTransaction() {
		_ = b.o.Exec(t.Context(), "COMMIT")
	}
	if out.err == nil {
		list, err := b.objects.Read(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, x := range list {
			out.objects[x.Kind+" "+x.Name] = x.Definition
		}
		out.details, out.late = b.readPairs(t, readDetails), b.readPairs(t, readBehind)
	}
	b.known[key] = out
	return out
}

// elsewhere are the rules whose fix changes or moves a statement other than the one found.
var elsewhere = map[string]bool{
	"constraint-not-enforced":             true, // NOT VALID in the place of NOT ENFORCED
	"function-variable-ambiguous":         true, // a line of the function's body
	"type-enum-value-used-in-transaction": true, // moves the one that adds the value
}

// TestPrintedFixes pastes what findings print into the files of migration tools: it runs after the base, is no new
// finding, and leaves all objects that the statement itself would have left.
func TestPrintedFixes(t *testing.T) {
	t.Parallel()
	const sixth = 6
	all := proofs(t)
	majors := pgservertest.Majors()
	major := rotation.PickAfter(t, sixth, len(majors), majors)[0]
	server, err := NewBench(t.Context(), pgservertest.Server(t, major), roles(all))
	if err != nil {
		t.Fatal(err)
	}
	objects, err := live.OpenObjects(t.Context(), server.Server.URL(server.database))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		objects.Close(context.Background())
		if err := server.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	b := &fixBench{Bench: server, objects: objects, major: major, known: map[string]left{}}
	t.Run("odd objects", b.tryOddObjects)
	tried, left := 0, 0 // left counts the rules that -run leaves out
	for _, p := range rotation.Pick(t, sixth, all) {
		if elsewhere[p.rule.ID] {
			continue
		}
		left++
		t.Run(p.rule.ID, func(t *testing.T) {
			left--
			for i := range p.f.Releases {
				ex := &p.f.Releases[i]
				if !ex.IsBad() || len(ex.Files) != 1 || len(ex.Unseen)+len(ex.Changes)+len(ex.Refusals)+len(ex.Programs) > 0 || !slices.Contains(ex.Versions, major) ||
					!slices.Contains(ex.Servers, major) {
					continue
				}
				for _, name := range slices.Sorted(maps.Keys(projects)) {
					tried += b.tryFixes(t, p, ex, name)
				}
			}
		})
	}
	if tried == 0 && left == 0 && os.Getenv("PROVE_RULE") == "" {
		t.Error("no fix was tried")
	}
}

// tryFixes pastes the fixes that a rule prints for an example in a tool's project, and counts them.
func (b *fixBench) tryFixes(t *testing.T, p proof, ex *ruletest.Release, name string) (tried int) {
	t.Helper()
	tool := projects[name]
	text := tool.withSQL(ruletest.CleanExample(ex.SQL()))
	files, err := tool.readAll(t.Context(), p.f, []pastedFile{{text: text}})
	if err != nil {
		return 0 // not a file that this tool reads
	}
	sent := messages(files) // the engine lets go of the scripts
	findings, statements, err := judge(p.f, files, b.major)
	if err != nil || len(statements) == 0 { // psql's rows in a file of another tool
		return 0
	}
	for i := range findings {
		if knownFaults[p.rule.ID+" "+ex.Name] != "" {
			break
		}
		x := &findings[i]
		parts := splitFix(x.Instead)
		if x.Rule != p.rule.ID || len(parts) == 0 {
			continue
		}
		tried++
		problem := b.tryFix(t, p, ex, tool, text, sent, statements, findings, x, parts)
		if problem != "" {
			t.Errorf("%s, %s, Postgres %d: %s\n%s\nis printed for\n%s", ex.Name, name, b.major, problem, x.Instead, text)
		}
	}
	return tried
}

// tryFix says what is wrong with a fix wherever a reader may put it; "" for nothing.
func (b *fixBench) tryFix(t *testing.T, p proof, ex *ruletest.Release, tool project, text string, sent []string, statements []*rule.Stmt,
	oldFindings []onward.Finding, x *onward.Finding, parts []fixPart) string {
	t.Helper()
	if strings.Contains(x.Instead, "…") {
		return "has an ellipsis"
	}
	if isQuery(parts) {
		var sql []string
		for _, part := range parts {
			sql = append(sql, part.sql)
		}
		out := b.run(t, p.f, ex, sql)
		if out.err != nil { // it may be about what the release brings
			out = b.run(t, p.f, ex, slices.Concat(sent, sql))
		}
		if out.err != nil && b.run(t, p.f, ex, sent).err == nil {
			return out.err.Error()
		}
		return ""
	}
	g, ok := targetOf(text, statements, x)
	if !ok {
		return ""
	}
	want := b.run(t, p.f, ex, sent)
	if want.err != nil && ex.Fails == "" {
		return "" // this tool cannot run the example
	}
	var problems []string
	for pos := inPlace; pos <= atEnd; pos++ {
		problem := b.tryAt(t, p, ex, tool, g.paste(parts, pos), want, oldFindings)
		if problem == "" {
			return ""
		}
		problems = append(problems, problem)
	}
	return strings.Join(problems, "\nor ")
}

// tryAt says what is wrong with files that a fix makes.
func (b *fixBench) tryAt(t *testing.T, p proof, ex *ruletest.Release, tool project, pasted []pastedFile, want left, oldFindings []onward.Finding) string {
	t.Helper()
	files, err := tool.readAll(t.Context(), p.f, pasted)
	if err != nil {
		return err.Error()
	}
	sent := messages(files)
	now, _, err := judge(p.f, files, b.major)
	if err != nil {
		return err.Error() + "\n" + strings.Join(sent, "\n")
	}
	for i := range now {
		if isNew(&now[i], oldFindings) {
			return fmt.Sprintf("is the next finding: %s: %s", now[i].Rule, now[i].Fact)
		}
	}
	if count(now, p.rule.ID) >= count(oldFindings, p.rule.ID) {
		return "the rule finds as much in it"
	}
	got := b.run(t, p.f, ex, sent)
	if got.err != nil {
		return "does not run: " + got.err.Error()
	}
	for name, definition := range want.objects {
		if strings.HasPrefix(name, "privilege ") {
			continue // its name has all that is granted
		}
		switch now, ok := got.objects[name]; {
		case !ok:
			return "leaves no " + name
		case strings.TrimSuffix(now, " NOT VALID") != strings.TrimSuffix(definition, " NOT VALID") &&
			(strings.HasPrefix(name, "constraint ") && p.rule != skipped.ConstraintGuardedDiffers || strings.HasPrefix(name, "index ")):
			return fmt.Sprintf("leaves another %s: %s, and not %s", name, now, definition)
		}
	}
	for name, detail := range want.details {
		if now, ok := got.details[name]; ok && now != detail {
			return fmt.Sprintf("leaves %s with %s, and not with %s", name, now, detail)
		}
	}
	for column, sequence := range got.late {
		if setsNumber(sent) {
			return "leaves " + column + " with a number of " + sequence + " that exists already"
		}
	}
	return ""
}

func count(list []onward.Finding, id string) (n int) {
	for i := range list {
		if list[i].Rule == id {
			n += 1 + len(list[i].Also)
		}
	}
	return n
}

// isNew reports whether a finding is of a rule that found nothing before. A timeout is the session's, and no part of a fix.
func isNew(x *onward.Finding, oldFindings []onward.Finding) bool {
	return x.Severity >= onward.Warning && x.Rule != transaction.LockTimeoutMissing.ID &&
		!slices.ContainsFunc(oldFindings, func(y onward.Finding) bool { return x.Rule == y.Rule })
}

// targetOf returns the statement of the file that has a finding.
func targetOf(text string, statements []*rule.Stmt, x *onward.Finding) (target, bool) {
	g := target{text: text, first: len(text)}
	found := false
	for _, s := range statements {
		if s.Parent >= 0 || s.Start < 0 {
			continue
		}
		g.first, g.last = min(g.first, s.Start), max(g.last, s.End)
		if x.Line >= s.Line && x.Line <= s.EndLine && (!found || s.Line == x.Line && s.Column <= x.Column) {
			g.start, g.end, found = s.Start, s.End, true
		}
	}
	return g, found
}
