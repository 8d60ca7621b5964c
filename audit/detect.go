package audit

import (
	"context"

	"github.com/onward-sql/onward/config"
	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/adapter/all"
	"github.com/onward-sql/onward/onward"
)

// Detected is a directory of migrations that was found.
type Detected struct {
	onward.Runner
	// Deep is set if directories below it belong to it. It cannot be named in onward.yaml.
	Deep bool
	// Renders is set if the project's own code makes its SQL; that code was not run.
	Renders bool
	// Render is the command to name in onward.yaml, without which its migrations are not judged; "" if none is needed.
	Render string
	// Own describes the repository's own program that runs the files, if that is a guess; nil if none is found.
	Own *config.Runner
	// Migrations is how many it has; 0 if Renders is set.
	Migrations int
}

// Detect lists the directories of migrations in a tree, as a changelog of it would without a
// configuration, and what was left out. No code of the project is run.
//
// Errors: a [*NotFoundError] if there are none, an error while reading one.
func Detect(ctx context.Context, t adapter.Tree) ([]Detected, []onward.Opaque, error) {
	a := changelog{Config: Config{Settings: &config.Config{}}, unnamed: true}
	sources, opaque, err := a.findSources(t, all.ListAdapters())
	if err != nil {
		return nil, opaque, err
	}
	var out []Detected
	for _, s := range sources {
		d := Detected{Deep: s.Deep, Renders: all.Traits(s.Framework).Renders, Render: all.PresetCommand(t, s)}
		set := &adapter.Set{Source: s}
		if framework, ok := all.FindAdapter(s.Framework); ok && !d.Renders {
			if set, err = framework.Load(ctx, t, s); err != nil {
				return nil, opaque, err
			}
		}
		d.Runner, d.Migrations = describeRunner(set, config.Name), len(set.Migrations)
		if d.Assumed {
			d.Own = all.ProposeRunner(t, s)
		}
		out = append(out, d)
	}
	return out, opaque, nil
}
