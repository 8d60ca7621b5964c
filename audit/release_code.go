package audit

import (
	"context"
	"errors"
	"slices"

	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/code/deployed"
	"github.com/onward-sql/onward/onward"
)

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
