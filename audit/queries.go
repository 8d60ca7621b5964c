package audit

import (
	"context"
	"fmt"

	"github.com/onward-sql/onward/internal/rules/queries"
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
		defer func() { _ = r.Close() }()
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
