package audit

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/onward-sql/onward/config"
	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/adapter/gittree"
	"github.com/onward-sql/onward/internal/gitrange"
	"github.com/onward-sql/onward/internal/prose"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/internal/rules"
	"github.com/onward-sql/onward/internal/workload"
	"github.com/onward-sql/onward/onward"
)

// listWeakened returns the settings by which the branch weakens its own check, such as a rule that its onward.yaml turns off, and the files that
// they or the user name. Flags of the command line are the user's, and do not count.
func (a *changelog) listWeakened(deployed *deployedSettings) []onward.Weakening {
	if deployed.tree == nil || a.TrustsBase {
		return nil // the base is not known, or its settings count
	}
	return append(a.listWeakenedSettings(deployed), a.listSmallerTables(deployed)...)
}

// listSmallerTables says how many tables are smaller, or missing, in the file of sizes than in the base's: the user names the file, and a branch may
// change what it says.
func (a *changelog) listSmallerTables(deployed *deployedSettings) []onward.Weakening {
	if deployed.stats == "" || !adapter.HasFile(deployed.tree, deployed.stats) {
		return nil
	}
	text, err := deployed.tree.Read(deployed.stats)
	if err != nil {
		return nil
	}
	before, err := parseStats(text)
	if err != nil {
		return nil
	}
	sizes := map[string]*onward.RelationStats{}
	for i := range a.known.stats.Relations {
		sizes[a.known.stats.Relations[i].Name] = &a.known.stats.Relations[i]
	}
	n := 0
	for i := range before.Relations {
		old := &before.Relations[i]
		now := sizes[old.Name]
		if now == nil || now.Rows < old.Rows || now.HeapBytes+now.ToastBytes < old.HeapBytes+old.ToastBytes {
			n++
		}
	}
	if n == 0 {
		return nil
	}
	return []onward.Weakening{{Key: "stats", Head: path.Base(deployed.stats) + " has smaller sizes for " + prose.CountNoun(n, "table"), Path: deployed.stats}}
}

// listWeakenedSettings returns the settings, and the files that they name.
func (a *changelog) listWeakenedSettings(deployed *deployedSettings) []onward.Weakening {
	if deployed.path == "" {
		return nil // the user has named a file
	}
	base := *cmp.Or(deployed.config, &config.Config{})
	// Without a setting the repository's own files name the versions, and a setting that repeats them weakens nothing.
	base.Postgres, _ = (&deployedFacts{base: deployed.tree}).majorVersions(&base)
	head := &config.Config{}
	if a.Settings.Path != "" {
		c, err := config.LoadFile(a.Settings.Path, Names())
		if err != nil {
			return nil // it was read before, and has just changed
		}
		head = c
	}
	list := config.ListWeakened(&base, head, func(id string) onward.Severity {
		if r := rules.FindRule(id); r != nil {
			return r.Severity
		}
		return onward.Error
	})
	for i := range list {
		list[i].Path = deployed.path
	}
	resolvePath := func(file string) string { return path.Join(path.Dir(deployed.path), filepath.ToSlash(file)) }
	if head.Baseline != "" && head.Baseline == base.Baseline {
		file := resolvePath(head.Baseline)
		before, _ := deployed.tree.Read(file)
		after, err := a.head.Read(file)
		if n := countNewFindings(before, after); err == nil && n > 0 {
			list = append(list, onward.Weakening{Key: "baseline", Head: head.Baseline + " has " + prose.CountNoun(n, "finding") + " more", Path: file})
		}
	}
	for _, recording := range base.Workload {
		if !slices.Contains(head.Workload, recording) {
			continue // listed above
		}
		file := resolvePath(recording)
		if n := countLostQueries(deployed.tree, a.head, file); n > 0 {
			list = append(list, onward.Weakening{Key: "workload", Head: recording + " lacks " + prose.CountNoun(n, "query"), Path: file})
		}
	}
	return list
}

// countLostQueries counts the recorded queries of a file, or of the files of a directory, that the head lacks.
func countLostQueries(base, head adapter.Tree, file string) (n int) {
	for _, p := range base.Paths() {
		if p != file && path.Dir(p) != file {
			continue
		}
		before, err := base.Read(p)
		if err != nil {
			continue
		}
		after, err := head.Read(p)
		if err == nil && bytes.Equal(before, after) {
			continue
		}
		fresh := listQueryIDs(after)
		for id := range listQueryIDs(before) {
			if !fresh[id] {
				n++
			}
		}
	}
	return n
}

// listQueryIDs returns the IDs of a recording's queries; nil for what is no recording.
func listQueryIDs(text []byte) map[string]bool {
	load, err := workload.Read(bytes.NewReader(text))
	if err != nil {
		return nil
	}
	ids := map[string]bool{}
	for i := range load.Queries {
		ids[load.Queries[i].ID] = true
	}
	return ids
}

// addSuppressions adds the comments that suppressed findings of a judged release.
func addSuppressions(r *onward.Report, e *rule.Engine) *onward.Report {
	for _, c := range e.UsedComments() {
		r.Weakened = append(r.Weakened, onward.Weakening{Key: "suppression", Head: fmt.Sprintf("%s at %s:%d", c.Rule, c.Path, c.Line), Path: c.Path, Line: c.Line})
	}
	return r
}

// listStepsMarkedAsRun returns the steps of written plans that the branch says have run by hand.
func (a *changelog) listStepsMarkedAsRun() (out []onward.Weakening) {
	if len(a.writtenPlans) == 0 {
		return nil
	}
	ran := map[string]bool{}
	for _, p := range readWrittenPlans(a.base) {
		for i := range p.Steps {
			ran[planPath(p)+" "+p.Steps[i].ID] = p.Steps[i].Ran
		}
	}
	for _, p := range a.writtenPlans {
		for i := range p.Steps {
			if s := &p.Steps[i]; s.Ran && !ran[planPath(p)+" "+s.ID] {
				out = append(out, onward.Weakening{Key: "plan", Head: p.Name + " says that " + s.ID + " has run", Path: planPath(p)})
			}
		}
	}
	return out
}

// countNewFindings counts the findings of a baseline that an older one does not have.
func countNewFindings(before, after []byte) (n int) {
	var old, fresh config.Baseline
	if json.Unmarshal(after, &fresh) != nil {
		return 0
	}
	_ = json.Unmarshal(before, &old) // none of them is known
	for id := range fresh.Findings {
		if _, ok := old.Findings[id]; !ok {
			n++
		}
	}
	return n
}

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
