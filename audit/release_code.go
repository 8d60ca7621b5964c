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
func (r *Release) Parsed(of onward.Code) (*Workload, *onward.Parsed, error) {
	database := r.mainDatabase()
	if of == onward.NewCode {
		head := r.headUsage()
		head.Schemas[database] = r.a.heads[database]
		return head.CollectQueries(database, r.a.heads[database], r.a.deployed[database])
	}
	return r.usage.CollectQueries(database, r.a.deployed[database], nil)
}

// LocateQueries returns a recording of the code at the base, or at the head, with the files and lines that write its queries. Call it after
// [Release.Audit].
func (r *Release) LocateQueries(of onward.Code, recorded *Workload) (*Workload, error) {
	database := r.mainDatabase()
	if of == onward.NewCode {
		return r.headUsage().LocateQueries(database, r.a.heads[database], recorded)
	}
	return r.usage.LocateQueries(database, r.a.deployed[database], recorded)
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
	database := other.databaseOf(r)
	return other.usage.CollectQueries(database, other.a.deployed[database], nil)
}

// databaseOf returns the database that has a directory of the main database of another release; the main one if none has.
func (r *Release) databaseOf(other *Release) int {
	main := map[string]bool{}
	for _, i := range other.main() {
		main[other.pairs[i].source.Dir] = true
	}
	r.a.groupByDatabase(r.pairs)
	database := slices.IndexFunc(r.a.databases, func(members []int) bool {
		return slices.ContainsFunc(members, func(i int) bool { return main[r.pairs[i].source.Dir] })
	})
	if database < 0 {
		return r.mainDatabase()
	}
	return database
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
	head := r.a.heads[database]
	if head == nil {
		return nil
	}
	if t := head.Lookup(schema, table); t != nil && t.Column(column) != nil {
		return nil
	}
	if r.head == nil {
		r.head = r.headUsage()
		r.head.Schemas[database] = r.a.deployed[database] // its names are those before the drop
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
	u.Repo, u.Databases, u.Changes = r.repo.Root(), r.a.databases, r.a.rng.Changes
	return u
}

// baseSources returns the sources of migrations as the deployed code has them.
func baseSources(pairs []pair) []deployed.Source {
	var out []deployed.Source
	for _, p := range pairs {
		out = append(out, deployed.Source{
			Dir: p.source.Dir, Framework: p.source.Framework, Set: p.base,
			ListTables: func() map[string]bool { return createdTables(p) },
		})
	}
	return out
}

// guessSizes makes the engine ask for guesses, unless sizes are known.
func (j *judge) guessSizes(code *deployed.Code, database int, schema *catalog.Catalog, constants deployed.Seeds) {
	if j.known.sizes == nil {
		j.small = deployed.NewSmallTables(code, database, schema, constants)
		j.config.ProbablySmall = j.small.ExplainSmall
	}
}

// setUses sets the function that answers questions about the deployed code. It must be called first.
func (j *judge) setUses(f deployed.AnswerFunc) { j.config.Uses = f }
