package audit

import (
	"context"
	"path/filepath"
	"slices"
	"strings"

	"github.com/onward-sql/onward/config"
	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/adapter/gittree"
	"github.com/onward-sql/onward/internal/gitrange"
	"github.com/onward-sql/onward/onward"
)

// useBaseCommands replaces the commands of onward.yaml, and what decides which program they start, by those of the base's file: a
// stranger's branch must not choose what runs. A command that the base lacks does not run, unless the user named the file.
//
// A branch may name its own base in onward.yaml. The file is then read where the branch left the default branch.
func (a *changelog) useBaseCommands(ctx context.Context, repo *gitrange.Repo) {
	a.refused = map[int]string{}
	list := a.Settings.Migrations
	if a.Settings.Named || !slices.ContainsFunc(list, func(m config.Migrations) bool { return m.Render != "" || m.Capture != "" }) {
		return
	}
	settings := *a.Settings
	settings.Migrations = slices.Clone(list)
	a.Settings = &settings
	deployed, name := a.trustedTree(ctx, repo)
	var base []config.Migrations
	if c := settingsAt(deployed, settingsPath(a.Settings.Path, repo.Root())); c != nil {
		base = c.Migrations
	}
	for i := range settings.Migrations {
		m := &settings.Migrations[i]
		a.useBaseCommand(m, base, "render", name, func(m *config.Migrations) *string { return &m.Render })
		a.useBaseCommand(m, base, "capture", name, func(m *config.Migrations) *string { return &m.Capture })
	}
}

// useBaseCommand replaces one command of an entry by the command that the base has for its directory.
func (a *changelog) useBaseCommand(m *config.Migrations, base []config.Migrations, key, name string, command func(*config.Migrations) *string) {
	if *command(m) == "" {
		return
	}
	at := slices.IndexFunc(base, func(b config.Migrations) bool { return b.Dir == m.Dir && *command(&b) != "" })
	if at < 0 {
		*command(m) = ""
		why := key + ": runs only after it is at " + name + ", because a branch must not choose what runs; --config " + config.Name + " runs it now"
		if key == "capture" {
			a.opaque = append(a.opaque, onward.Opaque{Path: m.Dir, What: "what the command sends", Why: why, Failed: isChangedBelow(a.rng.Changes, m.Dir)})
		} else {
			a.refused[m.Line] = why
		}
		return
	}
	*command(m) = *command(&base[at])
	m.CaptureBase, m.Python, m.Environment, m.Sandbox = base[at].CaptureBase, base[at].Python, base[at].Environment, base[at].Sandbox
}

// isChangedBelow reports whether one of the changes is of a file below a directory.
func isChangedBelow(changes []gitrange.Change, dir string) bool {
	return slices.ContainsFunc(changes, func(c gitrange.Change) bool { return dir == "" || strings.HasPrefix(c.Path, dir+"/") })
}

// trustedTree returns the deployed files, and their name; nil if they are not known. A branch that names its own base in onward.yaml does not
// choose them: they are where the branch left the default branch.
func (a *changelog) trustedTree(ctx context.Context, repo *gitrange.Repo) (adapter.Tree, string) {
	if a.Base != "" || a.Settings.Base == "" {
		return a.base, a.rng.BaseName
	}
	const name = "the default branch"
	t, err := repo.Base(ctx, "")
	if err != nil {
		return nil, name
	}
	return gittree.Of(t), name
}

// settingsPath returns the path of an onward.yaml below a repository's root: the usual one for "", and "" for a file outside.
func settingsPath(file, root string) string {
	if file == "" {
		return config.Name
	}
	if real, err := filepath.EvalSymlinks(file); err == nil {
		file = real
	}
	if real, err := filepath.EvalSymlinks(root); err == nil {
		root = real
	}
	below, err := filepath.Rel(root, file)
	if err != nil || !filepath.IsLocal(below) {
		return ""
	}
	return filepath.ToSlash(below)
}

// settingsAt returns the settings of a tree, with directories relative to the root; nil if it has none that can be read.
func settingsAt(t adapter.Tree, below string) *config.Config {
	if t == nil || below == "" || !adapter.HasFile(t, below) {
		return nil
	}
	text, err := t.Read(below)
	if err != nil {
		return nil
	}
	c, err := config.DecodeIn(text, below, Names())
	if err != nil {
		return nil
	}
	return c
}
