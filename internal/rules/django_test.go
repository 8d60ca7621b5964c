package rules

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	adapters "github.com/onward-sql/onward/internal/adapter/all"
	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/history"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/internal/script"
	"github.com/onward-sql/onward/onward"
)

const djangoBefore = `
CREATE TABLE shop_order (id bigint PRIMARY KEY, code text NOT NULL, country text);
CREATE TABLE shop_item (id bigint PRIMARY KEY);
CREATE TABLE shop_line (id bigint PRIMARY KEY, item_id bigint REFERENCES shop_item (id));
CREATE INDEX order_code ON shop_order (code);`

// instead returns a rule's advice on SQL that Django rendered from an operation, or on
// SQL of a RunSQL if op is zero.
func instead(t *testing.T, id string, op script.Operation, sql string, mode onward.Transaction) string {
	t.Helper()
	findings := judgeDjango(t, op, sql, mode, history.Runner{LockTimeout: 3000})
	for i := range findings {
		if findings[i].Rule == id {
			return findings[i].Instead
		}
	}
	t.Fatalf("%s says nothing of %s: %v", id, sql, findings)
	return ""
}

func judgeDjango(t *testing.T, op script.Operation, sql string, mode onward.Transaction, runner history.Runner) []onward.Finding {
	t.Helper()
	part := script.Part{SQL: sql, Start: -1, Line: 1, Column: 1, EndLine: 1, EndColumn: 1, Operation: op}
	return judgeSource(t, script.Source{Text: "", Parts: []script.Part{part}, Mode: mode, LineComment: "#"}, runner)
}

func judgeSource(t *testing.T, src script.Source, runner history.Runner) []onward.Finding {
	t.Helper()
	return judgeSourceUsing(t, src, runner, nil, 16)
}

// judgeSourceUsing is judgeSource with what the deployed code uses, on some versions.
func judgeSourceUsing(t *testing.T, src script.Source, runner history.Runner, uses func(analysis.Question) analysis.Usage, versions ...int) []onward.Finding {
	t.Helper()
	return judgeSourceBehind(t, "", src, runner, uses, versions...)
}

// judgeSourceBehind is judgeSourceUsing after more statements of the deployed schema.
func judgeSourceBehind(t *testing.T, more string, src script.Source, runner history.Runner, uses func(analysis.Question) analysis.Usage, versions ...int) []onward.Finding {
	t.Helper()
	build := func(src script.Source) *script.Script {
		s, err := script.BuildScript(src)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	runner.Tool = adapters.Traits("django").Tool
	e := rule.NewEngine(rule.Config{Rules: All(), Versions: versions, Uses: uses}, nil)
	e.FoldDeployed(build(script.Source{Text: djangoBefore + more, Parts: []script.Part{{SQL: djangoBefore + more}}, Mode: onward.TransactionNone}))
	e.JudgeMigration(&rule.Migration{
		ID: "shop.0002", Path: "shop/migrations/0002.py", Framework: "django", Mode: src.Mode,
		Script: build(src),
		Runner: runner,
	})
	findings, _ := e.Finish()
	return findings
}

func TestDjangoIsToldInItsTerms(t *testing.T) {
	t.Parallel()
	const fk = `ALTER TABLE shop_order ADD CONSTRAINT fk FOREIGN KEY (id) REFERENCES shop_item (id) DEFERRABLE INITIALLY DEFERRED`
	for _, c := range []struct {
		rule, class, model, field, sql string
		want                           []string // in this order
	}{
		{"index-create-blocking", "AddIndex", "order", "", "CREATE INDEX i ON shop_order (country)", []string{"AddIndexConcurrently in the place of AddIndex", "atomic = False"}},
		{"index-create-blocking", "AddField", "Order", "country", "CREATE INDEX i ON shop_order (country)", []string{"db_index=False", "atomic = False", `model_name="Order"`, `models.Index(fields=["country"], name="order_country_idx")`}},
		{"index-create-blocking", "AlterField", "Order", "country", "CREATE INDEX i_like ON shop_order (country text_pattern_ops)", []string{"db_index=False leaves out both", "RunSQL('CREATE INDEX CONCURRENTLY i_like"}},
		{"column-add-unique-inline", "AddField", "order", "n", `ALTER TABLE "shop_order" ADD COLUMN "n" uuid NULL UNIQUE`, []string{"atomic = False", "state_operations=[migrations.AddField(…)]", `RunSQL('ALTER TABLE "shop_order" ADD COLUMN IF NOT EXISTS "n" uuid NULL')`, "CREATE UNIQUE INDEX CONCURRENTLY", "USING INDEX"}},
		{"column-add-unique-inline", "AddField", "order", "n", `ALTER TABLE "shop_order" ADD COLUMN "n" uuid DEFAULT '6c1f2a5e-0000-4000-8000-000000000000' NOT NULL UNIQUE`, []string{"null=True", "a value of its own", "unique a release later"}},
		{"index-create-blocking", "AlterUniqueTogether", "order", "", "CREATE INDEX i ON shop_order (country)", []string{"state_operations=[migrations.AlterUniqueTogether(…)]", "migrations.RunSQL('CREATE INDEX CONCURRENTLY i ON shop_order (country)')"}},
		{"constraint-foreign-key-validating", "AlterField", "order", "item", fk, []string{"db_constraint=False here", "migrations.AlterField(…)],  # without db_constraint=False", "NOT VALID')", "VALIDATE CONSTRAINT fk')"}},
		{"constraint-check-validating", "AddConstraint", "order", "", "ALTER TABLE shop_order ADD CONSTRAINT short CHECK (length(code) < 9)", []string{"AddConstraintNotValid in the place of AddConstraint", `ValidateConstraint(model_name="order", name="short")`}},
		{"constraint-unique-blocking", "AlterUniqueTogether", "order", "", "ALTER TABLE shop_order ADD CONSTRAINT u UNIQUE (code)", []string{"atomic = False", "RunSQL('DROP INDEX CONCURRENTLY IF EXISTS u')", "RunSQL('CREATE UNIQUE INDEX CONCURRENTLY u ON shop_order (code)')", "RunSQL('ALTER TABLE shop_order ADD CONSTRAINT u UNIQUE USING INDEX u')"}},
		{"column-add-required", "AddField", "order", "n", "ALTER TABLE shop_order ADD COLUMN n int DEFAULT 0 NOT NULL; ALTER TABLE shop_order ALTER COLUMN n DROP DEFAULT", []string{"db_default=…", "ALTER COLUMN n SET DEFAULT …"}},
		{"column-add-required", "AlterOrderWithRespectTo", "order", "", "ALTER TABLE shop_order ADD COLUMN _order int DEFAULT 0 NOT NULL; ALTER TABLE shop_order ALTER COLUMN _order DROP DEFAULT", []string{"RunSQL after the AlterOrderWithRespectTo", "ALTER COLUMN _order SET DEFAULT …"}},
		{"column-add-check-inline", "AddField", "order", "n", `ALTER TABLE "shop_order" ADD COLUMN "n" integer NULL CHECK ("n" >= 0)`, []string{`RunSQL('ALTER TABLE "shop_order" ADD COLUMN "n" integer NULL')`, "NOT VALID')", "VALIDATE CONSTRAINT shop_order_n_check')"}},
		{"column-set-not-null-scan", "AlterField", "order", "country", "ALTER TABLE shop_order ALTER COLUMN country SET NOT NULL", []string{"AddConstraintNotValid(model_name=\"order\"", "country__isnull=False", "ValidateConstraint(", "migrations.AlterField(", "RemoveConstraint("}},
		{"column-drop", "RemoveField", "order", "code", "ALTER TABLE shop_order DROP COLUMN code CASCADE", []string{`state_operations=[migrations.RemoveField("order", "code")]`, "ALTER COLUMN code DROP NOT NULL", "RunSQL('ALTER TABLE shop_order DROP COLUMN code')"}},
		{"column-drop", "RemoveField", "order", "country", "ALTER TABLE shop_order DROP COLUMN country CASCADE", []string{`state_operations=[migrations.RemoveField("order", "country")]`, "a release later"}},
		{"column-drop", "RemoveField", "line", "item", "ALTER TABLE shop_line DROP COLUMN item_id CASCADE", []string{`state_operations=[migrations.RemoveField("line", "item")]`, "does not clear it", "RunSQL('ALTER TABLE shop_line DROP CONSTRAINT shop_line_item_id_fkey')", "a release later", "DROP COLUMN item_id"}},
		{"column-rename", "RenameField", "order", "land", "ALTER TABLE shop_order RENAME COLUMN country TO land", []string{`db_column="country"`}},
		{"column-rename", "AlterField", "order", "country", "ALTER TABLE shop_order RENAME COLUMN country TO land", []string{`leave db_column="country"`}},
		{"column-rename", "RenameModel", "Order", "", "ALTER TABLE shop_order RENAME COLUMN country TO land", []string{`through model`, `db_column="country"`}},
		{"table-drop", "DeleteModel", "Order", "", "DROP TABLE shop_order CASCADE", []string{`state_operations=[migrations.DeleteModel("Order")]`, "a release later", "RunSQL('DROP TABLE shop_order')"}},
		{"table-drop", "RemoveField", "order", "items", "DROP TABLE shop_item CASCADE", []string{`state_operations=[migrations.RemoveField("order", "items")]`, "RunSQL('DROP TABLE shop_item')"}},
		{"constraint-foreign-key-validating", "RenameModel", "Order", "", fk, []string{"in the state only", "migrations.RenameModel(…)])"}},
		{"constraint-foreign-key-validating", "RenameField", "order", "item", fk, []string{"in the code only", "db_column", "foreign key stays"}},
		{"data-update-unbatched", "AlterField", "order", "country", "UPDATE shop_order SET country = '' WHERE country IS NULL", []string{"fill the rows first", "atomic = False"}},
		{"transaction-long-work-under-lock", "AlterField", "order", "country", "ALTER TABLE shop_item ADD COLUMN a int; UPDATE shop_order SET country = ''", []string{"fill the rows first"}},
		{"transaction-long-work-under-lock", "AddConstraint", "order", "", "ALTER TABLE shop_item ADD COLUMN a int; DELETE FROM shop_order", []string{"the AddConstraint takes the lock itself"}},
		{"table-rename", "RenameModel", "Order", "", "ALTER TABLE shop_order RENAME TO shop_purchase", []string{`db_table = "shop_order"`, "state_operations=[migrations.AlterModelTable(…), migrations.RenameModel(…)]"}},
	} {
		got := instead(t, c.rule, script.Operation{Class: c.class, Model: c.model, Field: c.field}, c.sql, onward.TransactionFile)
		rest := got
		for _, want := range c.want {
			offset := strings.Index(rest, want)
			if offset < 0 {
				t.Errorf("%s on %s: %q is not there, or not in its place, in:\n%s", c.rule, c.class, want, got)
				break
			}
			rest = rest[offset+len(want):]
		}
	}
}

// Another operation holds the lock, so its work can move away.
func TestDjangoMovesWorkApart(t *testing.T) {
	t.Parallel()
	lock := script.Part{SQL: "ALTER TABLE shop_item ADD COLUMN a int", Start: -1, Line: 1, EndLine: 1, Operation: script.Operation{Class: "AddField", Model: "item", Field: "a"}}
	work := script.Part{SQL: "DELETE FROM shop_order", Start: -1, Line: 9, EndLine: 9, Operation: script.Operation{Class: "RunSQL"}}
	for _, f := range judgeSource(t, script.Source{Parts: []script.Part{lock, work}, Mode: onward.TransactionFile, LineComment: "#"}, history.Runner{LockTimeout: 3000}) {
		if f.Rule == "transaction-long-work-under-lock" {
			if want := "move the RunSQL to a migration of its own, after this one"; f.Instead != want {
				t.Errorf("the advice is %q, want %q", f.Instead, want)
			}
			return
		}
	}
	t.Error("nothing is said")
}

func TestDjangoConcurrentlyWithATimeout(t *testing.T) {
	t.Parallel()
	got := instead(t, "index-concurrent-short-timeout", script.Operation{Class: "AddIndexConcurrently", Model: "order"},
		"CREATE INDEX CONCURRENTLY i ON shop_order (country)", onward.TransactionNone)
	want := "clear it for this operation, which blocks nobody while it waits:\n" +
		"migrations.RunSQL('SET lock_timeout = 0'),\nAddIndexConcurrently(…),  # unchanged\nmigrations.RunSQL('RESET lock_timeout'),"
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// A backend that sets timeouts around each statement is not the author's slip.
func TestBackendSetsTheTimeout(t *testing.T) {
	t.Parallel()
	for _, field := range []string{"item", "other"} {
		set := script.Part{SQL: "SET lock_timeout TO '2s'", Start: -1, Line: 1, EndLine: 1, Message: true, Operation: script.Operation{Class: "AddField", Model: "order", Field: "item"}}
		build := script.Part{SQL: "CREATE INDEX CONCURRENTLY i ON shop_order (country)", Start: -1, Line: 1, EndLine: 1, Message: true, Operation: script.Operation{Class: "AddField", Model: "order", Field: field}}
		want := map[string]string{"item": "info: lock_timeout = 2s, that the operation itself sets", "other": "error: lock_timeout = 2s, set at :1"}[field]
		got := ""
		for _, f := range judgeSource(t, script.Source{Parts: []script.Part{set, build}, Mode: onward.TransactionNone, LineComment: "#"}, history.Runner{}) {
			if f.Rule == "index-concurrent-short-timeout" {
				got = f.Severity.String() + ": " + f.Fact
			}
		}
		if !strings.HasPrefix(got, want) {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// Django asks the server which forms it has; a RunSQL does not.
func TestDjangoKnowsTheVersion(t *testing.T) {
	t.Parallel()
	for _, op := range []script.Operation{{Class: "CreateModel", Model: "tag"}, {}} {
		part := script.Part{SQL: "CREATE TABLE shop_tag (id bigint PRIMARY KEY, name text, UNIQUE NULLS NOT DISTINCT (name))", Start: -1, Line: 1, EndLine: 1, Operation: op}
		isReported := false
		for _, f := range judgeSourceUsing(t, script.Source{Parts: []script.Part{part}, Mode: onward.TransactionFile, LineComment: "#"}, history.Runner{LockTimeout: 3000}, nil, 14, 15) {
			isReported = isReported || f.Rule == "release-statement-refused"
		}
		if isReported != (op.Class == "") {
			t.Errorf("%q: said %v", op.Class, isReported)
		}
	}
}

// SQL that the author wrote in a RunSQL gets advice in SQL.
func TestRunSQLIsAnsweredInSQL(t *testing.T) {
	t.Parallel()
	got := instead(t, "index-create-blocking", script.Operation{}, "CREATE INDEX i ON shop_order (country)", onward.TransactionFile)
	if !strings.HasSuffix(got, "\nCREATE INDEX CONCURRENTLY i ON shop_order (country);") {
		t.Errorf("the advice does not end with CREATE INDEX CONCURRENTLY:\n%s", got)
	}
}

// Django drops an index that a field may have had: IF EXISTS, and often there
// is none.
func TestDjangoDropsWhatIsNotThere(t *testing.T) {
	t.Parallel()
	sql := `DROP INDEX IF EXISTS "shop_order_code_like"`
	for _, f := range judgeDjango(t, script.Operation{Class: "AlterField", Model: "order", Field: "code"}, sql, onward.TransactionFile, history.Runner{}) {
		t.Errorf("DROP INDEX IF EXISTS of a missing index has a finding, want none: %s: %s", f.Rule, f.Fact)
	}
}

// What waits for the end of the deploy breaks no deployed code, and locks all the same.
func TestAfterDeploy(t *testing.T) {
	t.Parallel()
	for sql, want := range map[string][2]string{
		"ALTER TABLE shop_order DROP COLUMN country":        {"column-drop", "release-held-back"},
		"DROP TABLE shop_order":                             {"table-drop", "release-held-back"},
		"CREATE INDEX shop_order_i ON shop_order (country)": {"index-create-blocking", "index-create-blocking"},
	} {
		for i, runner := range []history.Runner{{LockTimeout: 3000}, {LockTimeout: 3000, AfterDeploy: true}} {
			var got []string
			for _, f := range judgeDjango(t, script.Operation{Class: "RunSQL"}, sql, onward.TransactionFile, runner) {
				got = append(got, f.Rule)
			}
			if diff := cmp.Diff(want[i], strings.Join(got, " ")); diff != "" {
				t.Errorf("%s, AfterDeploy %v:\n%s", sql, runner.AfterDeploy, diff)
			}
		}
	}
}

// A program that works on rows does so under the locks of what ran before it in its
// transaction.
func TestCodeUnderLock(t *testing.T) {
	t.Parallel()
	const add, index = "ALTER TABLE shop_order ADD COLUMN a int", "CREATE INDEX i ON shop_order (country)"
	for name, c := range map[string]struct {
		parts []string
		code  script.Code
		mode  onward.Transaction
		want  string
	}{
		"behind an ALTER TABLE": {[]string{add}, script.Code{Table: "shop_order", Whole: true, Parts: 1}, onward.TransactionFile,
			"error: fill updates rows of shop_order while shop_order is locked against reads and writes since :1"},
		"of some rows": {[]string{add}, script.Code{Table: "shop_item", Parts: 1}, onward.TransactionFile,
			"warning: fill updates rows of shop_item while shop_order is locked against reads and writes since :1"},
		"between": {[]string{add, index}, script.Code{Table: "shop_item", Parts: 1}, onward.TransactionFile,
			"warning: fill updates rows of shop_item while shop_order is locked against reads and writes since :1"},
		"before":               {[]string{add}, script.Code{Table: "shop_order", Parts: 0}, onward.TransactionFile, ""},
		"of a new table":       {[]string{add, "CREATE TABLE n (id int)"}, script.Code{Table: "n", Parts: 2}, onward.TransactionFile, ""},
		"of an unknown table":  {[]string{add}, script.Code{Table: "gone", Parts: 1}, onward.TransactionFile, ""},
		"under a weak lock":    {[]string{"UPDATE shop_item SET id = id WHERE id = 1"}, script.Code{Table: "shop_order", Parts: 1}, onward.TransactionFile, ""},
		"under a new table's":  {[]string{"CREATE TABLE n (id int)"}, script.Code{Table: "shop_order", Parts: 1}, onward.TransactionFile, ""},
		"without one of these": {[]string{add}, script.Code{Table: "shop_order", Parts: 1}, onward.TransactionNone, ""},
	} {
		src := script.Source{Mode: c.mode, LineComment: "#"}
		for _, sql := range c.parts {
			src.Parts = append(src.Parts, script.Part{SQL: sql, Start: -1, Line: 1, Column: 1, EndLine: 1, EndColumn: 1})
		}
		c.code.Name, c.code.Verb, c.code.Line = "fill", "updates", 7
		src.Code = []script.Code{c.code}
		got := ""
		for _, f := range judgeSource(t, src, history.Runner{LockTimeout: 3000}) {
			if f.Rule == "transaction-long-work-under-lock" && f.Line == 7 {
				got = f.Severity.String() + ": " + f.Fact
			}
		}
		if got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

// A program that works on several tables under a lock is reported once.
func TestCodeUnderLockOnSeveralTables(t *testing.T) {
	t.Parallel()
	src := script.Source{Mode: onward.TransactionFile, LineComment: "#", Parts: []script.Part{
		{SQL: "ALTER TABLE shop_order ADD COLUMN a int", Start: -1, Line: 1, Column: 1, EndLine: 1, EndColumn: 1},
	}}
	for _, c := range []script.Code{{Table: "shop_item"}, {Table: "shop_order", Whole: true}, {Table: "shop_item", Name: "other", Line: 8}} {
		c.Verb, c.Parts = "updates", 1
		if c.Name == "" {
			c.Name, c.Line = "fill", 7
		}
		src.Code = append(src.Code, c)
	}
	var got []string
	for _, f := range judgeSource(t, src, history.Runner{LockTimeout: 3000}) {
		if f.Line >= 7 {
			got = append(got, f.Severity.String()+": "+f.Fact)
		}
	}
	want := []string{
		"error: fill updates rows of shop_item and shop_order while shop_order is locked against reads and writes since :1",
		"warning: other updates rows of shop_item while shop_order is locked against reads and writes since :1",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// What a backend makes of one operation cannot be parted: a note, and not the
// advice to move it.
func TestOneOperationCannotBeParted(t *testing.T) {
	t.Parallel()
	part := func(line int, sql string) script.Part {
		return script.Part{SQL: sql, Start: -1, Line: line, Column: 9, EndLine: line, EndColumn: 20, Message: true,
			Operation: script.Operation{Class: "AddField", Model: "order", Field: "item"}}
	}
	for _, second := range []int{14, 20} {
		findings := judgeSource(t, script.Source{LineComment: "#", Mode: onward.TransactionNone, Parts: []script.Part{
			part(14, "ALTER TABLE shop_order ADD COLUMN item_id bigint NULL"),
			part(second, "CREATE INDEX CONCURRENTLY i ON shop_order (item_id)"),
		}}, history.Runner{LockTimeout: 3000, Rerun: true})
		want := map[int]onward.Severity{14: onward.Info, 20: onward.Warning}[second]
		isReported := false
		for i := range findings {
			f := &findings[i]
			if f.Rule != "idempotency-partial-failure" {
				continue
			}
			isReported = true
			if f.Severity != want || strings.Contains(f.Instead, "of its own") != (second == 20) {
				t.Errorf("with the second statement of :%d: %s, %s", second, f.Severity, f.Instead)
			}
		}
		if !isReported {
			t.Errorf("with the second statement of :%d: nothing is said", second)
		}
	}
}

// The rows that a program has filled in a migration in front are not filled again.
func TestFilledByAProgram(t *testing.T) {
	t.Parallel()
	migration := func(name string, src script.Source) *rule.Migration {
		src.LineComment, src.Mode = "#", onward.TransactionFile
		s, err := script.BuildScript(src)
		if err != nil {
			t.Fatal(err)
		}
		return &rule.Migration{ID: name, Path: name + ".py", Framework: "django", Mode: src.Mode, Script: s, Runner: history.Runner{LockTimeout: 3000, Tool: adapters.Traits("django").Tool}}
	}
	part := func(sql string) []script.Part {
		return []script.Part{{SQL: sql, Start: -1, Line: 1, Column: 1, EndLine: 1, EndColumn: 1}}
	}
	for name, c := range map[string]struct {
		code []script.Code
		want bool
	}{
		"by nobody":        {nil, true},
		"another table":    {[]script.Code{{Table: "shop_item", Whole: true}}, true},
		"whole":            {[]script.Code{{Table: "shop_order", Whole: true}}, false},
		"in batches apart": {[]script.Code{{Table: "shop_order", Few: true, Apart: true}}, false},
	} {
		deployed, err := script.BuildScript(script.Source{Text: djangoBefore, Parts: []script.Part{{SQL: djangoBefore}}, Mode: onward.TransactionNone})
		if err != nil {
			t.Fatal(err)
		}
		e := rule.NewEngine(rule.Config{Rules: All(), Versions: []int{16}}, nil)
		e.FoldDeployed(deployed)
		e.JudgeMigration(migration("shop.0002", script.Source{Parts: part("ALTER TABLE shop_order ADD COLUMN token uuid NULL")}))
		e.JudgeMigration(migration("shop.0003", script.Source{Code: c.code}))
		e.JudgeMigration(migration("shop.0004", script.Source{Parts: part("UPDATE shop_order SET token = gen_random_uuid() WHERE token IS NULL")}))
		findings, _ := e.Finish()
		got := false
		for i := range findings {
			got = got || findings[i].Rule == "data-update-unbatched"
		}
		if got != c.want {
			t.Errorf("filled %s: told %v, want %v", name, got, c.want)
		}
	}
}

// A program that gives rows a value which the deployed code does not know.
func TestCodeThatRenamesValues(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		table, column, old, now string
		want                    bool
	}{
		"known":         {"shop_order", "country", "uk", "gb", true},
		"vague":         {"shop_order", "country", "true", "gb", false},
		"known as both": {"shop_order", "country", "fr", "gb", false},
		"no table":      {"gone", "country", "uk", "gb", false},
		"no column":     {"shop_order", "gone", "uk", "gb", false},
	} {
		src := script.Source{LineComment: "#", Replaces: []script.Replacement{{Name: "fill", Line: 7, Table: c.table, Column: c.column, Old: c.old, Now: c.now}}}
		uses := func(q analysis.Question) analysis.Usage {
			return analysis.Usage{Known: true, Used: q.Kind == analysis.AskValue && q.Name.Name == "shop_order" && q.Column == "country" && (q.Old == "uk" || q.Old == "true") && q.Now == "gb"}
		}
		found := slices.ContainsFunc(judgeSourceUsing(t, src, history.Runner{}, uses, 16), func(f onward.Finding) bool {
			return f.Rule == "data-value-renamed" && f.Line == 7 && strings.HasPrefix(f.Fact, "fill turns country 'uk' of shop_order into 'gb'")
		})
		if found != c.want {
			t.Errorf("%s: data-value-renamed is reported = %v, want %v", name, found, c.want)
		}
	}
}
