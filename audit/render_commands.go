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
func (a *changelog) useBaseCommands(deployed *deployedSettings) {
	a.refused = map[int]string{}
	list := a.Settings.Migrations
	if a.Settings.Named || !slices.ContainsFunc(list, func(m config.Migrations) bool { return m.Render != "" || m.Capture != "" }) {
		return
	}
	settings := *a.Settings
	settings.Migrations = slices.Clone(list)
	a.Settings = &settings
	var base []config.Migrations
	if deployed.config != nil {
		base = deployed.config.Migrations
	}
	for i := range settings.Migrations {
		m := &settings.Migrations[i]
		a.useBaseCommand(m, base, "render", deployed.name, func(m *config.Migrations) *string { return &m.Render })
		a.useBaseCommand(m, base, "capture", deployed.name, func(m *config.Migrations) *string { return &m.Capture })
	}
}

// useBaseCommand replaces one command of an entry by the command that the base has for its directory.
func (a *changelog) useBaseCommand(m *config.Migrations, base []config.Migrations, key, name string, command func(*config.Migrations) *string) {
	if *command(m) == "" {
		return
	}
	i := slices.IndexFunc(base, func(b config.Migrations) bool { return b.Dir == m.Dir && *command(&b) != "" })
	if i < 0 {
		i = slices.IndexFunc(base, func(b config.Migrations) bool { return *command(&b) == *command(m) && a.isMovedEntry(&b, m) })
	}
	if i < 0 {
		*command(m) = ""
		reason := key + ": runs only after it is at " + name + ", because a branch must not choose what runs; --config " + config.Name + " runs it now"
		if key == "capture" {
			a.opaque = append(a.opaque, onward.Opaque{Path: m.Dir, What: "what the command sends", Why: reason, Failed: isChangedBelow(a.rng.Changes, m.Dir)})
		} else {
			a.refused[m.Line] = reason
		}
		return
	}
	*command(m) = *command(&base[i])
	m.CaptureBase, m.Python, m.Environment, m.Sandbox = base[i].CaptureBase, base[i].Python, base[i].Environment, base[i].Sandbox
}

// isMovedEntry reports whether the directory of an entry of the base is the one that the head's entry now has elsewhere: it is gone, and
// files of it are in the new one.
func (a *changelog) isMovedEntry(base, head *config.Migrations) bool {
	from := entryDir(base)
	return base.Framework == head.Framework && len(adapter.FilesBelow(a.head, from)) == 0 && countMovedFiles(from, entryDir(head), a.rng.Changes) > 0
}

// isChangedBelow reports whether one of the changes is of a file below a directory.
func isChangedBelow(changes []gitrange.Change, dir string) bool {
	return slices.ContainsFunc(changes, func(c gitrange.Change) bool { return dir == "" || strings.HasPrefix(c.Path, dir+"/") })
}

// deployedSettings are the settings of the deployed revision. A branch that names its own base in onward.yaml does not choose this revision:
// it is where the branch left the default branch.
type deployedSettings struct {
	tree   adapter.Tree   // nil if the revision is not known
	name   string         // of the revision
	path   string         // of onward.yaml below the repository's root; "" for a file outside
	config *config.Config // nil if the revision has none that can be read
	stats  string         // of the file of sizes below the repository's root; "" for none, or one outside
}

func (a *changelog) readDeployedSettings(ctx context.Context, repo *gitrange.Repo) *deployedSettings {
	d := &deployedSettings{tree: a.base, name: a.rng.BaseName, path: settingsPath(a.Settings.Path, repo.Root())}
	if a.Base == "" && a.Settings.Base != "" {
		d.tree, d.name = nil, "the default branch"
		if t, err := repo.Base(ctx, ""); err == nil {
			d.tree = gittree.Of(t)
		}
	}
	d.config = readSettingsAt(d.tree, d.path)
	if absolute, err := filepath.Abs(a.Stats); a.Stats != "" && err == nil {
		d.stats = settingsPath(absolute, repo.Root())
	}
	return d
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
	relative, err := filepath.Rel(root, file)
	if err != nil || !filepath.IsLocal(relative) {
		return ""
	}
	return filepath.ToSlash(relative)
}

// readSettingsAt returns the settings of a tree, with directories relative to the root; nil if it has none that can be read.
func readSettingsAt(t adapter.Tree, file string) *config.Config {
	if t == nil || file == "" || !adapter.HasFile(t, file) {
		return nil
	}
	text, err := t.Read(file)
	if err != nil {
		return nil
	}
	c, err := config.DecodeIn(text, file, Names())
	if err != nil {
		return nil
	}
	return c
}
