package audit

import (
	"cmp"
	"context"
	"slices"

	"github.com/onward-sql/onward/config"
	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/adapter/all"
	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/effect"
	"github.com/onward-sql/onward/internal/fault"
	"github.com/onward-sql/onward/internal/history"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/query"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/internal/script"
	"github.com/onward-sql/onward/internal/size"
	"github.com/onward-sql/onward/onward"
)

// LocksConfig configures Locks.
type LocksConfig struct {
	// SQL is the text; its statements are judged one after the other, each on the schema
	// that the previous ones leave.
	SQL string
	// Deployed says where to read the database. With the zero value, every table exists
	// and may be huge.
	Deployed
	// Settings is the project's onward.yaml. Only versions, time zone and throughput are
	// used; nil is the default.
	Settings *config.Config
}

// Locks returns what each statement of a text locks.
//
// Errors: *config.InputError if the text cannot be read; the errors of reading
// [Deployed].
func Locks(ctx context.Context, c LocksConfig) ([]onward.Locks, error) {
	c.Settings = defaultConfig(c.Settings)
	k, err := c.readDeployedFacts(ctx, c.Settings)
	if err != nil {
		return nil, err
	}
	reader := &locksReader{know: k, settings: c.Settings, start: k.catalog, zone: c.Settings.Assume.TimeZone}
	if reader.start == nil {
		reader.start = catalog.New()
	}
	if c.Schema != "" && effect.IsComplete(reader.start) {
		whole := *reader.start
		whole.Complete = true // what the dump lacks does not exist
		reader.start = &whole
	}
	reader.now = reader.start
	s, err := script.BuildScript(script.Source{Text: c.SQL, Parts: []script.Part{{SQL: c.SQL}}, Mode: onward.TransactionNone})
	if err != nil {
		return nil, &config.InputError{Err: err}
	}
	var out []onward.Locks
	for _, st := range s.Statements {
		l := onward.Locks{Statement: onward.Statement{SQL: st.SQL, Line: st.Line, Column: st.Column, Start: st.Start, Transaction: st.Tx, Effects: []onward.Effect{}}}
		if st.Node == nil {
			l.Note = "not judged: " + st.Err.Error()
		} else {
			reader.now = reader.readLocks(&l, st)
			reader.applySetting(st)
		}
		out = append(out, l)
	}
	return out, nil
}

// locksReader processes statements, each on the schema that the previous ones leave.
type locksReader struct {
	know     *deployedFacts
	settings *config.Config
	start    *catalog.Catalog
	now      *catalog.Catalog
	zone     string // the session's time zone
}

// readLocks returns what a statement locks, and the schema that it leaves.
func (x *locksReader) readLocks(l *onward.Locks, st *script.Statement) (after *catalog.Catalog) {
	defer func() {
		if r := recover(); r != nil {
			l.Note, after = "not judged: "+fault.FromPanic(r).Error(), x.now.MarkUnseen("a statement that could not be folded")
		}
	}()
	var problems []catalog.Problem
	after, problems = x.now.Judge(st.Node, st.SQL, st.Parent >= 0)
	var results []effect.Result
	var groups []rule.VersionResult
	versions, _ := x.know.majorVersions(x.settings)
	for _, v := range versions {
		version := effect.NewVersion(v)
		r := effect.EffectOf(st.Node, x.now, version, effect.Inputs{TimeZone: x.zone, Problems: problems})
		results, groups = append(results, r), addToGroup(groups, v, r)
	}
	if rule.FailsOnAll(groups, x.now) {
		after = x.now
	}
	worst := effect.MergeResults(results)
	l.Effects = worst.PublicEffects()
	x.know.addMeasures(l.Effects, &worst, x.deployedName)
	for i := range groups {
		l.Variants = append(l.Variants, x.describeLockVariant(&groups[i]))
	}
	if st.Opaque != "" {
		l.Note = "not judged: " + st.Opaque
	} else if worst.Unmodelled != "" {
		l.Note = effect.UnmodelledReason(worst.Unmodelled)
	}
	return after
}

// describeLockVariant returns the behaviour of a statement on versions that behave alike.
func (x *locksReader) describeLockVariant(result *rule.VersionResult) onward.LockVariant {
	r := &result.Result
	v := onward.LockVariant{Postgres: result.Versions, Effects: r.PublicEffects(), Refused: r.Refused.Message(), NoTransaction: r.NoTransaction != ""}
	x.know.addMeasures(v.Effects, r, x.deployedName)
	v.Duration = cmp.Or(describeLockDuration(v.Effects, *r), "instant")
	if r.Unmodelled != "" {
		v.Note = effect.UnmodelledReason(r.Unmodelled)
	}
	return v
}

// deployedName returns the name of a relation on the server, whose sizes are known.
func (x *locksReader) deployedName(e *effect.Effect) catalog.Name {
	if r := x.start.Relation(e.OID); e.OID != 0 && r != nil {
		return r.Name
	}
	return e.Name
}

// applySetting applies a statement's setting. SET LOCAL counts outside a transaction too: the
// runner may have begun one.
func (x *locksReader) applySetting(st *script.Statement) {
	if set, ok := analysis.SettingOf(st.Node); ok && (set.Name == "timezone" || set.Name == "") {
		if x.zone = set.Value; set.Default {
			x.zone = x.settings.Assume.TimeZone
		}
	}
}

// addToGroup adds a version to the group on which the statement behaves alike.
func addToGroup(groups []rule.VersionResult, version int, r effect.Result) []rule.VersionResult {
	for i := range groups {
		if g := &groups[i]; g.Result.Equal(&r) {
			g.Versions = append(g.Versions, version)
			return groups
		}
	}
	return append(groups, rule.VersionResult{Versions: []int{version}, Result: r})
}

// BindQueries looks up the tables and columns that statements name in the schemas that the release makes, at the base and at the head. After
// ALTER TABLE t RENAME v TO w, SELECT v FROM t binds at the base only.
// No server is asked. Each statement is judged alone: none changes the schema for the next. unread lists what the schemas lack,
// because it could not be read.
//
// Errors: a *[config.InputError] if the text cannot be read.
func (r *Release) BindQueries(text string) (list []onward.BoundQuery, unread []onward.Opaque, err error) {
	settings := r.a.Settings
	versions, _ := r.a.known.majorVersions(settings)
	report, base, head, err := r.Schemas(versions[len(versions)-1])
	r.a.Settings = settings
	if err != nil {
		return nil, nil, err
	}
	s, err := script.BuildScript(script.Source{Text: text, Parts: []script.Part{{SQL: text}}, Mode: onward.TransactionNone})
	if err != nil {
		return nil, nil, &config.InputError{Err: err}
	}
	list = []onward.BoundQuery{}
	for _, st := range s.Statements {
		q := onward.BoundQuery{SQL: st.SQL, Line: st.Line}
		q.Base, q.Head = r.bindStatement(st, base, settings), r.bindStatement(st, head, settings)
		list = append(list, q)
	}
	return list, report.Opaque, nil
}

// bindStatement judges a statement on one schema.
func (r *Release) bindStatement(st *script.Statement, schema *catalog.Catalog, settings *config.Config) (b onward.Binding) {
	if st.Node == nil {
		b.Note = "not judged: " + st.Err.Error()
		return b
	}
	if schema == nil {
		schema = catalog.New()
	}
	var locks onward.Locks
	reader := &locksReader{know: r.a.known, settings: settings, start: schema, now: schema, zone: settings.Assume.TimeZone}
	reader.readLocks(&locks, st)
	b.Note = locks.Note
	for i := range locks.Variants {
		if v := &locks.Variants[i]; v.Refused != "" {
			b.Refused = append(b.Refused, onward.RefusedQuery{Postgres: v.Postgres, Message: v.Refused})
		}
	}
	b.Unknown = listUnknownRelations(st.Node, schema)
	return b
}

// listUnknownRelations returns the relations of a statement whose columns a schema does not know, and that it does not know to be missing.
func listUnknownRelations(node *pgparse.Node, schema *catalog.Catalog) []string {
	var out []string
	for _, rv := range query.ListRelations(node) {
		n := schema.ResolveName(pgparse.RangeName(rv))
		known := n.Relation != nil && !n.Relation.Inferred && !n.Relation.Partial
		if name := n.Full.String(); !known && !n.IsMissing && !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	return out
}

// Result is the model's analysis of a statement.
type Result = effect.Result

// Measure adds the report's measures to effects: how big their relations are in the deployed
// schema, and how long the work on them takes if sizes are known. It returns how long the
// statement's locks are held, as [onward.Statement.Duration].
func (r *Release) Measure(to []onward.Effect, result *Result) string {
	main := r.mainDatabase()
	schema := r.a.databases[main].base.schema
	r.a.known.addMeasures(to, result, func(e *effect.Effect) catalog.Name {
		if schema != nil && e.OID != 0 {
			if rel := schema.Relation(e.OID); rel != nil {
				return rel.Name
			}
		}
		return e.Name
	})
	return describeLockDuration(to, *result)
}

// describeLockDuration says how long the locks are held: for an instant, depending on a table's size, or
// depending on other sessions.
func describeLockDuration(effects []onward.Effect, r effect.Result) string {
	out := "instant"
	for i := range effects {
		switch {
		case effects[i].New:
		case r.Effects[i].Waits:
			return "waits"
		case effects[i].Work != onward.NoWork || r.Effects[i].Rows:
			out = "grows"
		}
	}
	if len(effects) == 0 {
		return ""
	}
	return out
}

// findLockTimeoutPlace returns where a tree limits the waits of a source's runner, unless the
// configuration says it. Django's adapter reads the project's settings.
func findLockTimeoutPlace(t adapter.Tree, s adapter.Source) *history.Place {
	if traits := all.Traits(s.Framework); traits.Renders && !traits.NeedsCommand || s.Options.Runner.LockTimeout > 0 {
		return nil
	}
	return &history.Place{Find: func() string { return adapter.LockTimeoutAt(t) }}
}

// EstimateBackfill estimates the cost of a step of a plan that processes the rows of a table in batches, by the
// sizes of the deployed database. verb is UPDATE, DELETE, or INSERT into another table. The result is nil if the sizes
// are not known.
func (r *Release) EstimateBackfill(schema, table, verb string) *onward.StepEstimate {
	kind := size.UpdateRows
	switch verb {
	case "DELETE":
		kind = size.DeleteRows
	case "INSERT":
		kind = size.CopyRows
	}
	return r.a.known.sizes.EstimateBackfill(catalog.Name{Schema: schema, Name: table}, kind, onward.PlanBatch)
}

// EstimateBuild estimates the cost of an index that a step builds while others write (CREATE INDEX CONCURRENTLY). ms is its duration.
func (r *Release) EstimateBuild(schema, table string, ms int64) *onward.StepEstimate {
	return r.a.known.sizes.EstimateBuild(catalog.Name{Schema: schema, Name: table}, ms)
}

// addCalledEffects adds the effects of a statement in a function to the statement that calls the
// function: for other sessions the call is one statement.
func addCalledEffects(caller *onward.Statement, s onward.Statement) {
	for _, e := range s.Effects {
		i := slices.IndexFunc(caller.Effects, func(o onward.Effect) bool { return o.Relation == e.Relation })
		if i < 0 {
			caller.Effects = append(caller.Effects, e)
			continue
		}
		o := &caller.Effects[i]
		if e.Lock > o.Lock {
			o.Lock, o.Blocks, o.AtEnd = e.Lock, e.Blocks, e.AtEnd
		}
		o.Work, o.New, o.EstimateMS = max(o.Work, e.Work), o.New && e.New, o.EstimateMS+e.EstimateMS
		o.Rows, o.Bytes = max(o.Rows, e.Rows), max(o.Bytes, e.Bytes)
	}
	order := []string{"", "instant", "grows", "waits"}
	if slices.Index(order, s.Duration) > slices.Index(order, caller.Duration) {
		caller.Duration = s.Duration
	}
	if caller.Note == "" {
		caller.Note = s.Note
	}
}
