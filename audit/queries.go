package audit

import (
	"context"
	"slices"

	"github.com/onward-sql/onward/internal/rules/queries"
	"github.com/onward-sql/onward/onward"
)

// QueriesConfig says what is known beside a recording that is judged by itself.
type QueriesConfig struct {
	// Config has the settings, and where the deployed schema and the sizes of its tables
	// come from; without them rules that need a schema are silent.
	Config
	// Migrations takes the schema of the deployed migrations, as [Changelog] would; without
	// it no repository is read.
	Migrations bool
}

// Queries lists what is wrong with the way in which recorded code asks. The errors are
// those of [Changelog] for what the configuration names.
func Queries(ctx context.Context, load *Workload, c QueriesConfig) ([]onward.QueryFinding, error) {
	if c.Migrations {
		r, err := Read(ctx, c.Config)
		if err != nil {
			return nil, err
		}
		defer func() { _ = r.Close() }()
		if _, err := r.Audit(); err != nil {
			return nil, err
		}
		in := r.queries(load)
		in.Head = nil
		return queries.Judge(in), nil
	}
	c.Settings = settings(c.Settings)
	k, err := c.know(ctx, c.Settings)
	if err != nil {
		return nil, err
	}
	a := changelog{Config: c.Config, known: k}
	in := a.queries(load)
	in.Deployed = k.catalog
	return queries.Judge(in), nil
}

// Queries lists what is wrong with the way in which recorded code asks, with what the
// release changes in mind; behind [Release.Audit]. told are the queries, by ID, of which
// something else says that the release changes their result.
func (r *Release) Queries(load *Workload, told map[string]bool) []onward.QueryFinding {
	in := r.queries(load)
	in.Told = told
	return queries.Judge(in)
}

// NewQueries lists what is wrong with the way in which the new code asks, on the schema that the
// release makes; behind [Release.Audit].
func (r *Release) NewQueries(load *Workload) []onward.QueryFinding {
	in := r.queries(load)
	in.Deployed, in.Head = in.Head, nil
	return queries.Judge(in)
}

func (r *Release) queries(load *Workload) *queries.Input {
	in := r.a.queries(load)
	main := r.main()
	for i, members := range r.a.databases {
		if slices.Equal(members, main) {
			in.Deployed, in.Head = r.a.deployed[i], r.a.heads[i]
		}
	}
	return in
}

// queries are a recording, and what settings and sizes say of it.
func (a *changelog) queries(load *Workload) *queries.Input {
	in := &queries.Input{Workload: load, SoftDelete: a.Settings.SoftDelete, Severity: a.Settings.Severities()}
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
