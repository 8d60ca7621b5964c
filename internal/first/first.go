// Package first makes the first day easy: what a repository tells of itself, the onward.yaml that
// follows from it, and what to write into the pipeline of its forge. It asks nothing, runs no code
// of the repository and writes no file.
package first

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/onward-sql/onward/audit"
	"github.com/onward-sql/onward/config"
	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/adapter/gittree"
	"github.com/onward-sql/onward/internal/gitrange"
	"github.com/onward-sql/onward/internal/linters"
	"github.com/onward-sql/onward/onward"
)

// Found is what a repository tells.
type Found struct {
	// Root is the repository's root, an absolute path.
	Root string
	// Migrations are the directories of migrations; LeftOut what looked like one and is none.
	Migrations []audit.Detected
	LeftOut    []onward.Opaque
	// Unread are directories of tools that are not read.
	Unread []adapter.Unread
	// Postgres are the major versions in production, ascending, and PostgresBy the file that
	// tells the oldest. Empty where none does.
	Postgres   []int
	PostgresBy string
	// Base is the default branch, "" where there is none; Remote says that it is the remote's,
	// BaseBy the file of another linter that names it.
	Base   string
	Remote bool
	BaseBy string
	// Forges are those whose pipelines it may run in.
	Forges []Forge
	// Linters is what other linters were told.
	Linters *linters.Said

	python python
}

// Look reads the repository that a directory is in.
//
// Errors: those of git for the repository, and a [*audit.NotFoundError] when it has no migrations
// at all, of whatever tool.
func Look(ctx context.Context, dir string) (*Found, error) {
	repo, err := gitrange.Open(ctx, dir)
	if err != nil {
		return nil, err
	}
	defer repo.Close()
	head, err := repo.Head(ctx, "")
	if err != nil {
		return nil, err
	}
	tree := gittree.Of(head)
	f := &Found{Root: repo.Root(), Unread: adapter.UnreadIn(tree), Linters: linters.Read(tree)}
	f.Forges = forges(tree.Paths(), repo.Host())
	f.Migrations, f.LeftOut, err = audit.Detect(ctx, tree)
	var none *audit.NotFoundError
	if err != nil && (!errors.As(err, &none) || len(f.Unread) == 0) {
		return nil, err
	}
	f.versions(adapter.OldestPostgres(tree))
	f.findPython(tree)
	var unknown *gitrange.NoBaseError
	if f.Base, f.Remote, err = repo.Default(ctx); err != nil && !errors.As(err, &unknown) {
		return nil, err
	}
	if l := f.Linters; l.Base != "" {
		if _, err := repo.Base(ctx, l.Base); err != nil {
			l.Refute("base: "+l.Base, "there is no such revision here, or none in common with it")
		} else {
			f.Base, f.BaseBy = l.Base, l.BaseBy
		}
	}
	return f, nil
}

// versions takes the versions from another linter that was told them, else from the oldest
// that the repository's containers and pipelines name.
func (f *Found) versions(oldest adapter.Oldest) {
	var supported []int
	for v := onward.OldestMajor; v <= onward.NewestMajor; v++ {
		supported = append(supported, v)
	}
	switch {
	case f.Linters.Postgres != 0:
		f.Postgres, f.PostgresBy = []int{f.Linters.Postgres}, f.Linters.PostgresBy
	case oldest.Major >= onward.OldestMajor && oldest.Major <= onward.NewestMajor:
		f.Postgres, f.PostgresBy = supported[slices.Index(supported, oldest.Major):], oldest.Path
	}
}

// dirs are the directories whose migrations can be read without running code, as paths from the root.
func (f *Found) dirs() []string {
	var out []string
	for _, m := range f.Migrations {
		if !m.Renders {
			out = append(out, dirOf(m))
		}
	}
	return out
}

func dirOf(m audit.Detected) string {
	if m.Dir == "" {
		return "."
	}
	return m.Dir
}

// History judges all migrations that are there, as one release, and names their directories: what a
// baseline would leave out. nil where none can be read without running code.
//
// Errors: those of [audit.Check].
func (f *Found) History(ctx context.Context, settings *config.Config) (*onward.Report, []string, error) {
	dirs := f.dirs()
	if len(dirs) == 0 {
		return nil, nil, nil
	}
	c := *settings
	c.Baseline = ""
	r, err := audit.Check(ctx, audit.CheckConfig{Dir: f.Root, Paths: dirs, Settings: &c, Brief: true})
	return r, dirs, err
}

// Forge is where a repository lives: its pipelines have a form of their own.
type Forge string

// The forges whose pipelines are known.
const (
	GitHub Forge = "GitHub"
	GitLab Forge = "GitLab"
)

// forges tells them from files and from the remote's host. Where both have files, the host decides.
func forges(paths []string, host string) []Forge {
	var out []Forge
	for _, forge := range []Forge{GitHub, GitLab} {
		switch {
		case strings.Contains(host, strings.ToLower(string(forge))):
			return []Forge{forge}
		case slices.ContainsFunc(paths, func(p string) bool {
			return forge == GitHub && strings.HasPrefix(p, ".github/") || forge == GitLab && p == ".gitlab-ci.yml"
		}):
			out = append(out, forge)
		}
	}
	return out
}
