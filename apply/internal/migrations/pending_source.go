package migrations

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/onward-sql/onward/apply/internal/run"
	"github.com/onward-sql/onward/apply/internal/schemaplan"
	"github.com/onward-sql/onward/audit"
	"github.com/onward-sql/onward/onward"
)

// DigestMigrations returns a hash of the migrations of a repository, for [PendingConfig.Migrations]. It asks no database.
func DigestMigrations(ctx context.Context, repository audit.Config, source string) (string, error) {
	release, err := audit.Read(ctx, repository)
	if err != nil {
		return "", refusePrograms(err)
	}
	defer func() { _ = release.Close() }()
	set, err := findSource(release, source)
	if err != nil {
		return "", err
	}
	return digestSource(set), nil
}

// digestSource returns a hash of the IDs, paths and contents of a source's migrations, in their order: 32 hex digits.
func digestSource(set *audit.Set) string {
	h := sha256.New()
	for _, m := range set.Migrations {
		fmt.Fprintf(h, "%q %q %q\n", m.ID, m.Path, m.Hash)
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// findSource returns the source of migrations in a directory; for "", the only one.
func findSource(release *audit.Release, source string) (*audit.Set, error) {
	var names []string
	var found []*audit.Set
	for _, s := range release.Heads() {
		if source != "" && s.Source.Dir != strings.Trim(source, "/") {
			continue
		}
		found, names = append(found, s), append(names, cmp.Or(s.Source.Dir, "."))
	}
	switch {
	case len(found) == 0 && source != "":
		return nil, run.NewInputError(fmt.Sprintf("%s has no migrations", source))
	case len(found) == 0:
		return nil, run.NewInputError("there are no migrations")
	case len(found) > 1:
		return nil, run.NewInputError("there are migrations in " + strings.Join(names, ", ") + ": say with --source which of them are this database's")
	}
	return found[0], nil
}

// requireSameMigrations refuses a repository whose migrations differ from those with which the release was begun.
func (p *Pending) requireSameMigrations() error {
	if p.Migrations == "" || p.Migrations == digestSource(p.set) {
		return nil
	}
	return &run.RefusedError{Text: fmt.Sprintf("the migrations in %s are not those with which the release was begun: "+
		"give them a release of their own, or run this where those are", p.release.HeadName())}
}

// requireWithinSchema refuses migrations that would do something outside of their schema, before the first of them runs.
func (p *Pending) requireWithinSchema(plans []*onward.Plan) error {
	if p.Schema == "" {
		return nil
	}
	for _, plan := range plans {
		for i := range plan.Steps {
			s := &plan.Steps[i]
			if err := schemaplan.CheckSchemaFree(s); err != nil {
				m := &plan.Migrations[0]
				return &run.RefusedError{Step: m.ID, Text: fmt.Sprintf("%s cannot run in schemas: %s. "+
					"Run your tool's own command in each schema, with onward guard --targets",
					m.Path, err)}
			}
		}
	}
	return nil
}
