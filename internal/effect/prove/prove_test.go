package prove

import (
	"context"
	"errors"
	"fmt"
	"os"
	"regexp"
	"slices"
	"sort"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/effect"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/pgserver/observe"
	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
)

func TestMain(m *testing.M) { os.Exit(pgservertest.Main(m)) }

func read(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func fold(t *testing.T, c *catalog.Catalog, sql string) *catalog.Catalog {
	t.Helper()
	f, err := pgparse.SplitText(sql)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range f.Stmts {
		if s.Node == nil {
			t.Fatalf("parse %q: %v", f.Src[s.Start:s.End], s.Err)
		}
		c, _ = c.Apply(s.Node, f.Src[s.Start:s.End])
	}
	return c
}

// TestProve runs every form on every major and compares. PROVE_FORM restricts
// it to the forms whose id matches the value; without it and without
// ONWARD_PROVE (see [pgservertest.ProofMajors]) only a part is run.
func TestProve(t *testing.T) {
	forms := parse(t, "forms.txt")
	alone := parse(t, "alone.txt")
	formFilter := os.Getenv("PROVE_FORM")
	wanted := regexp.MustCompile(formFilter)
	majors := pgservertest.ProofMajors()
	switch {
	case formFilter != "" && os.Getenv("ONWARD_PROVE") == "":
		majors = pgservertest.Majors()
	case formFilter == "" && os.Getenv("ONWARD_PROVE") == "":
		t.Logf("ONWARD_PROVE is not set: the forms that need no setup of their own, on Postgres %d only", majors[0])
		forms = slices.DeleteFunc(forms, func(f Form) bool { return f.Setup != "" || f.Line%5 > 0 })
		alone = alone[:3]
	}
	base := fold(t, catalog.New(), read(t, "fixture.sql"))
	base.Complete = true

	var mu sync.Mutex
	differ := map[string][]string{}
	compared := map[int]int{}
	t.Run("majors", func(t *testing.T) {
		for _, major := range majors {
			t.Run(fmt.Sprint(major), func(t *testing.T) {
				t.Parallel()
				b := newBench(t, major)
				for n, form := range slices.Concat(forms, alone) {
					if !wanted.MatchString(form.ID) {
						continue
					}
					bad, ok := b.prove(t, base, form, n >= len(forms))
					mu.Lock()
					if ok {
						compared[major]++
					}
					if len(bad) > 0 {
						key := form.ID + ": " + form.SQL + "\n\t" + strings.Join(bad, "\n\t")
						differ[key] = append(differ[key], fmt.Sprint(major))
					}
					mu.Unlock()
				}
			})
		}
	})
	keys := make([]string, 0, len(differ))
	for k := range differ {
		keys = append(keys, k)
	}
	line := map[string]int{}
	for n, f := range slices.Concat(forms, alone) {
		line[f.ID] = n
	}
	positionOf := func(key string) int { id, _, _ := strings.Cut(key, ":"); return line[id] }
	sort.Slice(keys, func(i, j int) bool { return positionOf(keys[i]) < positionOf(keys[j]) })
	for _, k := range keys {
		sort.Strings(differ[k])
		t.Errorf("Postgres %s: %s", strings.Join(differ[k], ", "), k)
	}
	for _, major := range majors {
		t.Logf("Postgres %d: %d forms compared", major, compared[major])
	}
}

func parse(t *testing.T, name string) []Form {
	t.Helper()
	forms, err := ParseForms(read(t, name))
	if err != nil {
		t.Fatal(err)
	}
	return forms
}

// bench is a server with a template of the fixture, and one shared database for forms
// that leave nothing behind.
type bench struct {
	major    int
	template string
	shared   *Observer
}

func newBench(t *testing.T, major int) *bench {
	t.Helper()
	ctx := t.Context()
	server := pgservertest.Server(t, major)
	name, err := server.NewDatabase(ctx, "")
	if err != nil {
		t.Fatal(err)
	}
	conn, err := pgx.Connect(ctx, server.URL(name))
	if err != nil {
		t.Fatal(err)
	}
	var spare []string
	if !hasTablespace(ctx, t, conn, "spare") { // another test of this process may have made it
		spare = []string{"SET allow_in_place_tablespaces = on", "CREATE TABLESPACE spare LOCATION ''"}
	}
	for _, sql := range append(spare,
		"DO $$BEGIN CREATE ROLE other; EXCEPTION WHEN duplicate_object THEN NULL; END$$", read(t, "fixture.sql"), read(t, "rows.sql"),
	) {
		for _, stmt := range statements(t, sql) {
			if _, err := conn.Exec(ctx, stmt); err != nil {
				t.Fatalf("set up the database with %q: %v", stmt, err)
			}
		}
	}
	conn.Close(ctx)
	b := &bench{major: major, template: name}
	var done func()
	b.shared, done = b.observer(t)
	t.Cleanup(done)
	return b
}

func hasTablespace(ctx context.Context, t *testing.T, conn *pgx.Conn, name string) (found bool) {
	t.Helper()
	if err := conn.QueryRow(ctx, "SELECT EXISTS (SELECT FROM pg_tablespace WHERE spcname = $1)", name).Scan(&found); err != nil {
		t.Fatal(err)
	}
	return found
}

func statements(t *testing.T, sql string) []string {
	t.Helper()
	f, err := pgparse.SplitText(sql)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, s := range f.Stmts {
		out = append(out, f.Src[s.Start:s.End])
	}
	return out
}

// observer watches a fresh copy of the fixture, until done is called.
func (b *bench) observer(t *testing.T) (o *Observer, done func()) {
	t.Helper()
	ctx := context.Background()
	server := pgservertest.Server(t, b.major)
	name, err := server.NewDatabase(ctx, b.template)
	if err != nil {
		t.Fatal(err)
	}
	o, err = observe.NewObserver(ctx, server.URL(name))
	if err != nil {
		t.Fatal(err)
	}
	return o, func() {
		o.Close(ctx)
		if err := server.DropDatabase(ctx, name); err != nil {
			t.Error(err)
		}
	}
}

// ownFunctions are the forms that call a function of the schema which has a built-in one's name.
var ownFunctions = map[string]bool{"mutable-overload": true, "newer-any-value-own": true}

// prove compares model and server on one form; ok is false when the form's
// setup is not possible on this major.
func (b *bench) prove(t *testing.T, base *catalog.Catalog, form Form, alone bool) (bad []string, ok bool) {
	t.Helper()
	schema := base
	if form.Setup != "" {
		schema = fold(t, base, form.Setup)
	}
	session := effect.Inputs{TimeZone: "UTC"}
	set := "SET TimeZone = 'UTC'"
	if strings.Contains(form.Set, "TimeZone") {
		session.TimeZone = strings.Trim(form.Set[strings.Index(form.Set, "=")+1:], " '")
	}
	if form.Set != "" {
		set += "; " + form.Set
	}
	watch := b.inTransaction
	if alone {
		watch = b.alone
	}
	seen, err := watch(t, form, set)
	var unfit *SetupError
	if errors.As(err, &unfit) {
		return nil, false
	}
	if err != nil {
		t.Fatalf("run the form %s: %v", form.ID, err)
	}
	f, err := pgparse.SplitText(form.SQL)
	if err != nil || len(f.Stmts) != 1 || f.Stmts[0].Node == nil {
		t.Fatalf("%s: does not parse: %s", form.ID, form.SQL)
	}
	_, session.Problems = schema.Judge(f.Stmts[0].Node, form.SQL, false)
	got := effect.EffectOf(f.Stmts[0].Node, schema, effect.NewVersion(b.major), session)
	bad = Compare(got, seen, form.Also)
	if seen.Refused == "" && !ownFunctions[form.ID] {
		_, session.Problems = catalog.New().Judge(f.Stmts[0].Node, form.SQL, false)
		blind := effect.EffectOf(f.Stmts[0].Node, catalog.New(), effect.NewVersion(b.major), session)
		if blind.Refused != nil {
			bad = append(bad, fmt.Sprintf("refused without a schema: %q", blind.Refused.Message()))
		}
	}
	if seen.Refused == "" && !alone && got.NoTransaction != "" {
		bad = append(bad, "the model says that it cannot run in a transaction: "+got.NoTransaction)
	}
	if seen.Refused == "" && alone {
		in, err := b.inTransaction(t, form, set)
		if err != nil {
			t.Fatalf("run the form %s in a transaction: %v", form.ID, err)
		}
		if refused := in.Code == "25001"; refused != (got.NoTransaction != "") {
			bad = append(bad, fmt.Sprintf("in a transaction: model %q, server %q", got.NoTransaction, in.Refused))
		}
	}
	return bad, true
}

// inTransaction runs a form in a transaction and rolls it back.
func (b *bench) inTransaction(t *testing.T, form Form, set string) (*Observation, error) {
	ctx := t.Context()
	o := b.shared
	if form.Setup != "" {
		var done func()
		o, done = b.observer(t)
		defer done()
		if err := o.Exec(ctx, form.Setup); err != nil {
			return nil, &SetupError{Err: err}
		}
		if err := o.ReadRelations(ctx); err != nil {
			return nil, err
		}
	}
	if err := o.Exec(ctx, set); err != nil {
		return nil, err
	}
	if form.Set != "" {
		defer o.Exec(ctx, "RESET ALL")
	}
	return o.ObserveStatement(ctx, form.SQL)
}

// alone runs a form that must not be in a transaction.
func (b *bench) alone(t *testing.T, form Form, set string) (*Observation, error) {
	server := pgservertest.Server(t, b.major)
	var used []string
	defer func() {
		for _, name := range used {
			if err := server.DropDatabase(context.Background(), name); err != nil {
				t.Error(err)
			}
		}
	}()
	a := Alone{Setup: form.Setup, Set: set, Fresh: func() (string, error) {
		name, err := server.NewDatabase(t.Context(), b.template)
		used = append(used, name)
		return server.URL(name), err
	}}
	return a.ObserveRounds(t.Context(), form.SQL)
}
