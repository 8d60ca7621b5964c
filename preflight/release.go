package preflight

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/onward-sql/onward/audit"
	"github.com/onward-sql/onward/internal/dbchecks"
	"github.com/onward-sql/onward/internal/live"
	"github.com/onward-sql/onward/internal/underway"
	"github.com/onward-sql/onward/internal/undo"
	"github.com/onward-sql/onward/onward"
)

// readRelease reads the repository: which tables the release touches, and the schema that its
// migrations make. If no revision was named, a directory without migrations is no error:
// the checks report what they do not know.
func readRelease(ctx context.Context, c *Config, s *live.Session, in *dbchecks.Input) error {
	releaseConfig := c.Config
	releaseConfig.Deployed = audit.Deployed{Workload: []string{}}
	report, err := auditRelease(ctx, releaseConfig, s.Major(), in)
	if err != nil {
		if c.Base != "" || c.Head != "" || c.Dir != "" || !isNoRelease(err) {
			return err
		}
		in.NoRelease = err.Error()
		return nil
	}
	in.Release = report.Base + "..." + report.Head
	in.Touched = touchedTables(report, in.Deployed)
	schema, err := s.Schema(ctx)
	if err != nil {
		return err
	}
	in.Live = schema.Catalog
	// A role that may not read the ledger gets the plan's objects as a difference, like any other.
	if state, err := underway.ReadState(ctx, c.DB, in.Deployed, "", nil); err == nil {
		for i := range state.Begun {
			in.UnderWay = append(in.UnderWay, undo.ListChanged(&state.Begun[i].Plan.Plan)...)
		}
	}
	return nil
}

// auditRelease audits the release for the version of the server.
func auditRelease(ctx context.Context, c audit.Config, major int, in *dbchecks.Input) (report *onward.Report, err error) {
	r, err := audit.Read(ctx, c)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	report, in.Deployed, in.Head, err = r.Schemas(major)
	return report, err
}

// isNoRelease reports whether an error only says that there is no release here.
func isNoRelease(err error) bool {
	return hasError[*audit.NotRepositoryError](err) || hasError[*audit.BareRepositoryError](err) || hasError[*audit.NoCommitsError](err) ||
		hasError[*audit.NotFoundError](err) || hasError[*audit.NoBaseError](err) || hasError[*audit.NoMergeBaseError](err) || hasError[*audit.OwnershipError](err)
}

func hasError[E error](err error) bool {
	var e E
	return errors.As(err, &e)
}

// touchedTables returns the existing tables that a release locks in a mode that others notice,
// or writes to: as schema.name, each once, in order.
func touchedTables(report *onward.Report, deployed *audit.Catalog) []string {
	out := []string{}
	for i := range report.Migrations {
		for _, s := range report.Migrations[i].Statements {
			for _, e := range s.Effects {
				if e.New || e.Lock <= onward.AccessShareLock {
					continue
				}
				schema, name, _ := strings.Cut(e.Relation, ".")
				if r := deployed.Lookup(schema, name); r != nil && r.Index != nil {
					if r = deployed.TableOf(r); r == nil {
						continue
					}
					out = append(out, r.Name.Qualified())
				} else if r == nil || r.Kind.IsTable() {
					out = append(out, e.Relation)
				}
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}
