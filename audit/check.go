package audit

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/onward-sql/onward/config"
	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/adapter/all"
	"github.com/onward-sql/onward/internal/adapter/gittree"
	"github.com/onward-sql/onward/internal/gitrange"
	"github.com/onward-sql/onward/onward"
)

// CheckConfig configures Check.
type CheckConfig struct {
	// Dir is the directory of relative paths; "" is the current one.
	Dir string
	// Paths are files and directories; "-" is Stdin. If there are none, it is Dir.
	Paths []string
	Stdin io.Reader
	// Applied names files and directories that count as applied.
	Applied []string
	// Transaction says how files without a framework are sent; "" is statement by statement.
	Transaction onward.Transaction
	// Framework replaces the detection for all paths: "goose".
	Framework string
	// Deployed says where to read the deployed database.
	Deployed
	Settings *config.Config
	Logger   *slog.Logger
	// Breathe, if set, is called between batches of files, by one goroutine at a time. left is the share of
	// them that is still to be read, 0 to 1. It may call runAlone, which runs a function while nothing else
	// works.
	Breathe func(left float64, runAlone func(fn func()))
	// Brief omits changes and statements from the report.
	Brief bool
}

// Check judges files. All named files are one release, in the order of their framework, else of their names.
func Check(ctx context.Context, c CheckConfig) (*onward.Report, error) {
	c.Settings, c.Logger = defaultConfig(c.Settings), defaultLogger(c.Logger)
	k, err := c.readDeployedFacts(ctx, c.Settings)
	if err != nil {
		return nil, err
	}
	j, err := newJudge(c.Settings, k)
	if err != nil {
		return nil, err
	}
	j.brief, j.breathe = c.Brief, c.Breathe
	if len(c.Paths) == 0 {
		c.Paths = []string{"."}
	}
	deployed, err := c.readMigrations(ctx, c.Applied, nil, j)
	if err != nil {
		return nil, err
	}
	release, err := c.readMigrations(ctx, c.Paths, deployed, j)
	if err != nil {
		return nil, err
	}
	if len(release) == 0 && len(j.report.Opaque) == 0 && !slices.ContainsFunc(c.Paths, c.isFile) {
		return nil, &config.InputError{Err: fmt.Errorf(
			"no migrations found in %s; looked for files that end in .sql and for what a framework claims; name the files, or see onward check --help",
			strings.Join(c.Paths, ", "))}
	}
	j.failIfForeign(len(release))
	// A file may be in both lists. If it is named for judging, it is not one of the applied files of a
	// directory. If it was only found in a directory, --deployed decides.
	namedPaths := map[string]bool{}
	if !slices.ContainsFunc(c.Paths, func(p string) bool { return !c.isFile(p) }) && slices.ContainsFunc(c.Applied, func(p string) bool { return !c.isFile(p) }) {
		for _, m := range release {
			namedPaths[m.Path] = true
		}
	}
	deployedPaths := map[string]bool{}
	for _, m := range deployed {
		if namedPaths[m.Path] {
			continue
		}
		deployedPaths[m.Path] = true
		j.foldDeployed(m)
	}
	var unapplied []releasedMigration
	for _, m := range release {
		if !deployedPaths[m.Path] {
			unapplied = append(unapplied, releasedMigration{migration: m, status: onward.StatusNew})
		}
	}
	clear(release) // judgeMigrations frees each text
	if len(deployedPaths) == 0 && k.catalog == nil && (len(unapplied) > 1 || slices.ContainsFunc(c.Paths, func(p string) bool { return !c.isFile(p) })) {
		// Most of a history is deployed, and nothing says which part.
		j.report.Summary.Withheld = onward.WithheldHistory
		j.ensureEngine().Release().DeployedUnknown = true
	}
	if j.report.Summary.Withheld != onward.WithheldHistory { // a whole history gets no verdict
		j.alternative, err = judgeAlternative(c.Settings, k, unapplied, func(trial *judge) {
			trial.schema, trial.strings = j.ensureEngine().Release().Deployed, j.strings
		})
		if err != nil {
			return nil, err
		}
	}
	j.judgeMigrations(unapplied)
	j.report.Summary.Readiness = c.listReadiness(j)
	report := j.finishReport()
	addRootSlash(report, j.belowRoot)
	return report, nil
}

// reportHistoryProblems reports problems in the history of sets, except those that the deployed migrations already have.
func (j *judge) reportHistoryProblems(deployed []*adapter.Migration, sets []*adapter.Set) {
	base := make(map[string]*adapter.Migration, len(deployed))
	for _, m := range deployed {
		base[m.ID] = m
	}
	for _, s := range sets {
		j.passHistory(findNewHistoryProblems(pair{head: s}, base))
	}
}

// readMigrations converts paths to migrations: with their framework's adapter, else as plain SQL files. deployed are the
// migrations that ran before them.
func (c *CheckConfig) readMigrations(ctx context.Context, paths []string, deployed []*adapter.Migration, j *judge) ([]*adapter.Migration, error) {
	var out []*adapter.Migration
	var names []string
	for _, p := range paths {
		if p != "-" {
			names = append(names, p)
			continue
		}
		set, err := c.readStdin(j)
		if err != nil {
			return nil, err
		}
		inferSendMode(deployed, set)
		j.recordRunner(set, c.findSendModeSetting(set), c.Transaction)
		out = append(out, set.Migrations...)
	}
	if len(names) == 0 {
		return out, nil
	}
	tree, local, err := c.openTree(names, j)
	if err != nil {
		return nil, err
	}
	sets, err := c.loadSets(ctx, gittree.Of(tree), local, j)
	if err != nil {
		return nil, err
	}
	inferSendMode(deployed, sets...)
	for _, s := range sets {
		j.recordRunner(s, c.findSendModeSetting(s), c.Transaction)
		out = append(out, s.Migrations...)
		j.report.Opaque = append(j.report.Opaque, s.Opaque...)
	}
	if deployed != nil || len(c.Applied) == 0 { // the order of applied migrations is not checked
		j.reportHistoryProblems(deployed, sets)
	}
	j.listSkippedFiles(gittree.Of(tree), local, sets)
	return out, nil
}

// findSendModeSetting returns the setting that decides how the files of a set are sent, if there is one.
func (c *CheckConfig) findSendModeSetting(set *adapter.Set) string {
	switch {
	case set.Source.Why == namedWhy:
		return "--framework"
	case set.Source.Options.Transaction == c.Transaction && c.Transaction != "":
		return "--transaction"
	}
	return config.Name
}

// openTree returns a tree with the named files and the content of the named directories. It lists what cannot be
// read. local are the names as the tree has them.
func (c *CheckConfig) openTree(names []string, j *judge) (tree gitrange.Tree, local []string, err error) {
	root := cmp.Or(c.Dir, ".")
	for _, p := range names {
		file := p
		if !filepath.IsAbs(p) {
			file = filepath.Join(root, p)
		}
		if _, err := os.Stat(file); err != nil {
			return nil, nil, &config.InputError{Err: err}
		}
	}
	if root, local, err = findReportRoot(root, names); err != nil {
		return nil, nil, err
	}
	if root == string(filepath.Separator) {
		j.belowRoot = append(j.belowRoot, local...)
	}
	if tree, err = gitrange.DirTree(root, local); err != nil {
		return nil, nil, err
	}
	if packages := findPackagesAbove(root, tree, local); len(packages) > 0 {
		if tree, err = gitrange.DirTree(root, append(packages, local...)); err != nil {
			return nil, nil, err
		}
	}
	for _, f := range tree.Files() {
		if f.Err == nil || strings.HasSuffix(f.Path, ".sql") {
			continue // reading the file reports its error
		}
		if info, err := os.Lstat(filepath.Join(root, f.Path)); err == nil && info.IsDir() {
			j.addOpaque(onward.Opaque{
				Path: f.Path, What: "the whole directory", Why: strings.TrimPrefix(f.Err.Error(), "read "+f.Path+": "), Failed: true,
			})
		}
	}
	return tree, local, nil
}

// isFile reports whether a path names a single input, and no directory.
func (c *CheckConfig) isFile(p string) bool {
	if !filepath.IsAbs(p) {
		p = filepath.Join(cmp.Or(c.Dir, "."), p)
	}
	info, err := os.Stat(p)
	return err != nil || !info.IsDir()
}

// maxStdin bounds the text from standard input.
const maxStdin = 64 << 20

// loadSets loads the sources that the adapters find in a tree, and the rest as plain SQL.
func (c *CheckConfig) loadSets(ctx context.Context, t adapter.Tree, local []string, j *judge) ([]*adapter.Set, error) {
	var adapters []adapter.Adapter
	for _, x := range all.ListAdapters() {
		if c.Framework == "" || c.Framework == x.Name() {
			adapters = append(adapters, x)
		}
	}
	sources, err := c.selectSources(t, adapters, j)
	if err != nil {
		return nil, err
	}
	a := changelog{Config: Config{Settings: c.Settings, Logger: c.Logger}}
	var sets []*adapter.Set
	claimed := map[string]bool{}
	loaded, failed := make([]*adapter.Set, len(sources)), make([]error, len(sources))
	each := adapter.EachParallel
	if all.Traits(c.Framework).Renders {
		// Each project is rendered by an interpreter that uses all processors.
		each = func(n int, f func(int)) {
			for i := range n {
				f(i)
			}
		}
	}
	each(len(sources), func(i int) {
		loaded[i], failed[i] = a.loadSet(ctx, adapters, t, c.withOptions(t, sources[i]))
	})
	for i, s := range sources {
		set, err := loaded[i], failed[i]
		if err != nil {
			// One project that cannot be read does not hide the others.
			j.addOpaque(onward.Opaque{Path: cmp.Or(s.Dir, "."), What: s.Framework + " migrations", Why: err.Error(), Failed: true})
			continue
		}
		if all.Traits(s.Framework).Plain {
			// Files that it skips in the directory were named by the user.
			set.Opaque = nil
		}
		sets = append(sets, set)
		for _, m := range set.Migrations {
			claimed[m.Path], claimed[m.DownPath] = true, true
		}
	}
	return append(sets, c.loadPlainFiles(t, claimed, local, j)), nil
}

// selectSources returns the sources below the named paths: the detected ones, or all directories with SQL files if
// the user names the framework.
func (c *CheckConfig) selectSources(t adapter.Tree, adapters []adapter.Adapter, j *judge) ([]adapter.Source, error) {
	var sources []adapter.Source
	if c.Framework != "" {
		if len(adapters) == 0 {
			return nil, &config.InputError{Err: fmt.Errorf("there is no framework %q", c.Framework)}
		}
		return selectNamedSources(t, adapters, c.Framework), nil
	}
	found, skipped := adapter.DetectSources(t, adapters)
	chosen, ties := adapter.ChooseSources(found)
	chosen = addOwnRunners(c.Settings, t, chosen)
	for _, s := range chosen {
		if traits := all.Traits(s.Framework); traits.Renders {
			// Rendering runs the project's own code, and naming files does not ask for that.
			reason := "onward changelog renders and judges its migrations"
			if !traits.NeedsCommand {
				reason += "; --framework " + s.Framework + " does here"
			}
			skipped = append(skipped, onward.Opaque{Path: cmp.Or(s.Dir, "."), What: traits.Project, Why: reason})
			continue
		}
		sources = append(sources, s)
	}
	j.report.Opaque = append(j.report.Opaque, append(skipped, ties...)...)
	return sources, nil
}

// selectNamedSources returns the sources of the framework that the user names: all directories with SQL files, or those in which the
// framework finds programs of its own.
func selectNamedSources(t adapter.Tree, adapters []adapter.Adapter, framework string) []adapter.Source {
	dirs := adapter.ListDirs(t, ".sql")
	found, _ := adapter.DetectSources(t, adapters)
	programs := slices.ContainsFunc(found, func(s adapter.Source) bool {
		return !slices.ContainsFunc(dirs, func(d adapter.Dir) bool { return d.Path == s.Dir || isBelow(d.Path, s.Dir) })
	})
	var sources []adapter.Source
	if programs {
		sources, _ = adapter.ChooseSources(found)
		for i := range sources {
			sources[i].Score, sources[i].Why = 3, namedWhy
		}
		return sources
	}
	for _, d := range dirs {
		sources = append(sources, adapter.Source{Framework: framework, Dir: d.Path, Score: 3, Why: namedWhy})
	}
	return sources
}

// withOptions adds the settings and the command line's options to a source.
func (c *CheckConfig) withOptions(t adapter.Tree, s adapter.Source) adapter.Source {
	s.Options.Runner = assumedRunner(c.Settings)
	for i := range c.Settings.Migrations {
		m := &c.Settings.Migrations[i]
		if (m.Framework == "" || m.Framework == s.Framework) && entryDir(m) == s.Dir {
			s.Options = fileOptions(c.Settings, m)
		}
	}
	// A detection by names only is a guess, so the option overrides it.
	if c.Transaction != "" && (all.Traits(s.Framework).Plain || s.Score < 3) {
		s.Options.Transaction = c.Transaction
	}
	s.Options.Runner.LockTimeoutAt = findLockTimeoutPlace(t, s)
	return s
}
