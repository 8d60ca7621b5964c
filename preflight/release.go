package preflight

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/onward-sql/onward/audit"
	"github.com/onward-sql/onward/internal/checks"
	"github.com/onward-sql/onward/internal/live"
	"github.com/onward-sql/onward/onward"
)

// release reads the repository: which tables the release touches, and what schema its
// migrations make. Where nobody named a revision, a directory without migrations is no
// error: the checks say what they do not know.
func release(ctx context.Context, c *Config, s *live.Session, in *checks.Input) error {
	of := c.Config
	of.Deployed = audit.Deployed{Workload: []string{}}
	report, err := read(ctx, of, s.Major(), in)
	if err != nil {
		if c.Base != "" || c.Head != "" || c.Dir != "" || !absent(err) {
			return err
		}
		in.NoRelease = err.Error()
		return nil
	}
	in.Release = report.Base + "..." + report.Head
	in.Touched = touched(report, in.Deployed)
	schema, err := s.Schema(ctx)
	if err != nil {
		return err
	}
	in.Live = schema.Catalog
	return nil
}

// read judges the release for the version of the server.
func read(ctx context.Context, c audit.Config, major int, in *checks.Input) (report *onward.Report, err error) {
	r, err := audit.Read(ctx, c)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	report, in.Deployed, in.Head, err = r.Schemas(major)
	return report, err
}

// absent reports whether an error says no more than that there is no release here.
func absent(err error) bool {
	return is[*audit.NotRepositoryError](err) || is[*audit.BareRepositoryError](err) || is[*audit.NoCommitsError](err) ||
		is[*audit.NotFoundError](err) || is[*audit.NoBaseError](err) || is[*audit.NoMergeBaseError](err) || is[*audit.OwnershipError](err)
}

func is[E error](err error) bool {
	var e E
	return errors.As(err, &e)
}

// touched are the tables that are there before a release and that its statements lock in a
// mode that others feel, or write to: by schema.name, each once, in order.
func touched(report *onward.Report, deployed *audit.Catalog) []string {
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
