package audit

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/code/deployed"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/rules/queries"
	"github.com/onward-sql/onward/internal/workload"
	"github.com/onward-sql/onward/internal/workload/deprecation"
	"github.com/onward-sql/onward/onward"
)

// QueriesConfig configures the check of a recording without a release.
type QueriesConfig struct {
	// Config has the settings, and the source of the deployed schema and of the tables' sizes;
	// without them, rules that need a schema report nothing.
	Config
	// Migrations is set to fold the schema of the deployed migrations, as [Changelog] does;
	// otherwise no repository is read.
	Migrations bool
}

// Queries lists problems in recorded queries. Errors: as for [Changelog], for the sources that
// the configuration names.
func Queries(ctx context.Context, load *Workload, c QueriesConfig) ([]onward.QueryFinding, error) {
	if c.Migrations {
		r, err := Read(ctx, c.Config)
		if err != nil {
			return nil, err
		}
		defer r.Close()
		if _, err := r.Audit(); err != nil {
			return nil, err
		}
		located, err := r.LocateQueries(onward.OldCode, []*Workload{load})
		if err != nil {
			return nil, fmt.Errorf("find the recorded queries in the code: %w", err)
		}
		in := r.queryInput(located[0])
		in.Head = nil
		return queries.JudgeRecording(in), nil
	}
	c.Settings = defaultConfig(c.Settings)
	k, err := c.readDeployedFacts(ctx, c.Settings)
	if err != nil {
		return nil, err
	}
	a := changelog{Config: c.Config, known: k}
	in := a.queryInput(load)
	in.Deployed = k.catalog
	return queries.JudgeRecording(in), nil
}

// Queries lists problems in recorded queries, considering the changes of the release. Call it
// after [Release.Audit]. reported are the queries, by ID, for which another finding already says
// that the release changes their result.
func (r *Release) Queries(load *Workload, reported map[string]bool) []onward.QueryFinding {
	in := r.queryInput(load)
	in.Told = reported
	return queries.JudgeRecording(in)
}

// NewQueries lists problems in the queries of the new code, on the schema that the release
// makes. Call it after [Release.Audit].
func (r *Release) NewQueries(load *Workload) []onward.QueryFinding {
	in := r.queryInput(load)
	in.Deployed, in.Head = in.Head, nil
	return queries.JudgeRecording(in)
}

func (r *Release) queryInput(load *Workload) *queries.Input {
	in := r.a.queryInput(load)
	main := r.mainDatabase()
	in.Deployed, in.Head = r.a.databases[main].base.schema, r.a.databases[main].head
	return in
}

// queryInput returns the input for the check of a recording, with settings and sizes.
func (a *changelog) queryInput(load *Workload) *queries.Input {
	in := &queries.Input{Workload: load, SoftDelete: a.Settings.SoftDelete, Accept: a.Settings.AcceptQueries, Severity: a.Settings.Severities()}
	if a.known.stats != nil {
		in.Rows = map[string]int64{}
		for _, t := range a.known.stats.Relations {
			if t.Rows >= 0 {
				in.Rows[t.Name] += t.Rows
				if t.Parent != "" {
					in.Rows[t.Parent] += t.Rows
				}
			}
		}
	}
	return in
}

// Deprecations returns the deprecated columns of the deployed schema, by name, with their
// use in a recording. Call it after [Release.Audit].
func (r *Release) Deprecations(load *Workload) []onward.DeprecatedColumn {
	deployed := r.queryInput(load).Deployed
	if deployed == nil {
		return nil
	}
	list, _ := deprecation.ListDeprecations(deployed, r.a.Settings.Deprecated) // unreadable entries are findings
	var out []onward.DeprecatedColumn
	for i := range list {
		d := &list[i]
		schema, name, _ := strings.Cut(d.Relation, ".")
		if t := deployed.Lookup(schema, name); t == nil || t.Column(d.Column) == nil {
			continue
		}
		c := onward.DeprecatedColumn{
			Column: d.Relation + "." + d.Column, Since: d.Since, RemoveAfter: d.RemoveAfter, RenamedTo: d.RenamedTo, Past: d.IsOver(formatDay(r.a.Now)),
		}
		_, c.Near = d.Near(formatDay(r.a.Now), r.a.Settings.NoticeDays())
		countRecordedUse(load, d, &c)
		out = append(out, c)
	}
	return out
}

// countRecordedUse counts the recorded queries on a column and its table.
func countRecordedUse(load *Workload, d *deprecation.Deprecation, c *onward.DeprecatedColumn) {
	var most int64 = -1
	var users []*workload.Query
	for i := range load.Queries {
		q := &load.Queries[i]
		if !q.IsCode() {
			continue
		}
		onTable, used := queryTouches(q, d)
		if onTable {
			c.TableCalls += q.Calls
		}
		if !used {
			continue
		}
		users = append(users, q)
		c.Queries++
		c.Calls += q.Calls
		if q.Calls > most {
			most, c.SQL, c.Sender = q.Calls, q.SQL, workload.DescribeSenders(q.Senders)
		}
	}
	c.Consumers = usesByConsumer(users)
}

// queryTouches reports whether a query is on the table of a column, and whether it uses the
// column. If no server resolved the query, it uses the column if it has its name.
func queryTouches(q *workload.Query, d *deprecation.Deprecation) (onTable, used bool) {
	if q.Resolved == "" {
		names := pgparse.ListNames(q.SQL)
		table := d.Relation[strings.LastIndexByte(d.Relation, '.')+1:]
		onTable = slices.Contains(names, table)
		return onTable, onTable && slices.Contains(names, d.Column)
	}
	for i := range q.Uses {
		if u := &q.Uses[i]; u.Relation == d.Relation {
			onTable = true
			used = used || slices.Contains(u.Reads, d.Column) || slices.Contains(u.Writes, d.Column)
		}
	}
	return onTable, used
}

// FromCode is the name in Workload.Sources for queries that were read from code.
const FromCode = deployed.FromCode

// Parsed reads the queries in the code at the base, or at the head, that use the database
// of Deployed and Steps: complete statements in the code, and those that follow from its
// declarations to mappers. Call it after [Release.Audit], which reads the schemas. The
// error is from reading the code.
func (r *Release) Parsed(code onward.Code) (*Workload, *onward.Parsed, error) {
	database := r.mainDatabase()
	if code == onward.NewCode {
		head := r.headUsage()
		head.Schemas[database] = r.a.databases[database].head
		return head.CollectQueries(database, r.a.databases[database].head, r.a.databases[database].base.schema)
	}
	return r.usage.CollectQueries(database, r.a.databases[database].base.schema, nil)
}

// LocateQueries returns recordings of the code at the base, or at the head, with the files and lines that write their queries. Call it after
// [Release.Audit].
func (r *Release) LocateQueries(code onward.Code, recorded []*Workload) ([]*Workload, error) {
	database := r.mainDatabase()
	if code == onward.NewCode && len(recorded) > 0 {
		return r.headUsage().LocateQueries(database, r.a.databases[database].head, recorded)
	}
	return r.usage.LocateQueries(database, r.a.databases[database].base.schema, recorded)
}

// ParseRevision is [Release.Parsed] for the code at another revision, with the schema that its migrations make.
func (r *Release) ParseRevision(ctx context.Context, revision string) (load *Workload, parsed *onward.Parsed, err error) {
	c := r.a.Config
	c.Base, c.Head = revision, revision
	other, err := Read(ctx, c)
	if err != nil {
		return nil, nil, err
	}
	defer func() { err = errors.Join(err, other.Close()) }()
	if _, err := other.Audit(); err != nil {
		return nil, nil, err
	}
	database := other.findMatchingDatabase(r)
	return other.usage.CollectQueries(database, other.a.databases[database].base.schema, nil)
}

// findMatchingDatabase returns the database that has a directory of the main database of another release; the main one if none has.
func (r *Release) findMatchingDatabase(other *Release) int {
	main := map[string]bool{}
	for _, i := range other.main() {
		main[other.pairs[i].source.Dir] = true
	}
	r.a.groupByDatabase(r.pairs)
	found := slices.IndexFunc(r.a.databases, func(d database) bool {
		return slices.ContainsFunc(d.sources, func(i int) bool { return main[r.pairs[i].source.Dir] })
	})
	if found < 0 {
		return r.mainDatabase()
	}
	return found
}

// ListIgnores returns the lines by which models of the deployed code ignore a column, if their mapper loads it with all others when a program
// starts: `self.ignored_columns += ["name"] in User`. Call it after [Release.Audit].
func (r *Release) ListIgnores(schema, table, column string) []string {
	return r.usage.AnswerFor(r.mainDatabase())(analysis.Question{Name: catalog.Name{Schema: schema, Name: table}, Column: column}).Ignores
}

// ListHeadUses returns the places at which the code of the head uses a column that the head's schema does not have, if a table has it before. Call it after
// [Release.Audit].
func (r *Release) ListHeadUses(schema, table, column string) []onward.Evidence {
	database := r.mainDatabase()
	head := r.a.databases[database].head
	if head == nil {
		return nil
	}
	if t := head.Lookup(schema, table); t != nil && t.Column(column) != nil {
		return nil
	}
	if r.head == nil {
		r.head = r.headUsage()
		r.head.Schemas[database] = r.a.databases[database].base.schema // its names are those before the drop
	}
	u := r.head.AnswerFor(database)(analysis.Question{Name: catalog.Name{Schema: schema, Name: table}, Column: column})
	if !u.Used || u.Loaded {
		return nil
	}
	return u.Evidence
}

// headUsage is like Release.usage, for the code at the head.
func (r *Release) headUsage() *deployed.Code {
	rng := *r.a.rng
	rng.Base, rng.BaseName = rng.Head, rng.HeadName
	pairs := slices.Clone(r.pairs)
	for i := range pairs {
		pairs[i].base = pairs[i].head
	}
	u := deployed.NewCode(&rng, baseSources(pairs))
	u.Repo, u.Databases, u.Changes = r.repo.Root(), r.a.listSourcesByDatabase(), r.a.rng.Changes
	return u
}
