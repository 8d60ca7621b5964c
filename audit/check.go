package audit

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/onward-sql/onward/config"
	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/adapter/all"
	"github.com/onward-sql/onward/internal/adapter/gittree"
	"github.com/onward-sql/onward/internal/gitrange"
	"github.com/onward-sql/onward/internal/script"
	"github.com/onward-sql/onward/onward"
)

// CheckConfig is what Check needs.
type CheckConfig struct {
	// Dir is where relative paths are looked up; "" is the current directory.
	Dir string
	// Paths are files and directories; "-" is Stdin. None: the directory.
	Paths []string
	Stdin io.Reader
	// Applied names files and directories that are taken as applied.
	Applied []string
	// Transaction says how files that no framework claims are sent; "" is
	// statement by statement.
	Transaction onward.Transaction
	// Framework overrides the detection for all paths: "goose".
	Framework string
	// Deployed says what is known of the deployed database.
	Deployed
	Settings *config.Config
	Logger   *slog.Logger
	// Breathe, when set, is called between bunches of files, by one goroutine
	// at a time; left is the share of them that is still to be read, 0 to 1. It
	// may call still, which runs what it is given while nothing else works.
	Breathe func(left float64, still func(do func()))
	// Brief leaves changes and statements out of the report.
	Brief bool
}

// Check judges files: all that are named are the release, in the order of
// their framework, else of their names.
func Check(ctx context.Context, c CheckConfig) (*onward.Report, error) {
	c.Settings, c.Logger = settings(c.Settings), logger(c.Logger)
	k, err := c.know(ctx, c.Settings)
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
	deployed, err := c.load(ctx, c.Applied, nil, j)
	if err != nil {
		return nil, err
	}
	release, err := c.load(ctx, c.Paths, deployed, j)
	if err != nil {
		return nil, err
	}
	if len(release) == 0 && len(j.report.Opaque) == 0 && !slices.ContainsFunc(c.Paths, c.file) {
		return nil, &config.InputError{Err: fmt.Errorf(
			"no migrations found in %s; looked for files that end in .sql and for what a framework claims; name the files, or see onward check --help",
			strings.Join(c.Paths, ", "))}
	}
	// A file may be both: named to be judged, it is not one of the directory's
	// applied files; found in a directory, it is what --deployed says it is.
	named := map[string]bool{}
	if !slices.ContainsFunc(c.Paths, func(p string) bool { return !c.file(p) }) && slices.ContainsFunc(c.Applied, func(p string) bool { return !c.file(p) }) {
		for _, m := range release {
			named[m.Path] = true
		}
	}
	was := map[string]bool{}
	for _, m := range deployed {
		if named[m.Path] {
			continue
		}
		was[m.Path] = true
		j.deploy(m)
	}
	kept := release[:0]
	for _, m := range release {
		if !was[m.Path] {
			kept = append(kept, m)
		}
	}
	if len(was) == 0 && k.catalog == nil && (len(kept) > 1 || slices.ContainsFunc(c.Paths, func(p string) bool { return !c.file(p) })) {
		// Most of a history is deployed, and nothing says what.
		j.report.Summary.Withheld = onward.WithheldHistory
		j.run().Release().DeployedUnknown = true
	}
	if j.otherwise, err = c.otherwise(j, kept); err != nil {
		return nil, err
	}
	j.all(kept)
	return j.finish(), nil
}

// otherwise judges files in the other way, where they have one: but for those of a
// whole history, of which nothing is said.
func (c *CheckConfig) otherwise(j *judge, list []*adapter.Migration) (map[string][]onward.Finding, error) {
	if j.report.Summary.Withheld == onward.WithheldHistory {
		return nil, nil
	}
	other := otherways(list)
	if other == nil {
		return nil, nil
	}
	trial, err := newTrial(c.Settings, j.known)
	if err != nil {
		return nil, err
	}
	trial.deployed, trial.strings = j.run().Release().Deployed, j.strings
	for _, m := range other {
		trial.judge(m, onward.StatusNew, run{})
	}
	return trial.differing(list, other), nil
}

// load turns paths into migrations: through the framework that claims them,
// else as plain SQL files. deployed is what ran before them.
func (c *CheckConfig) load(ctx context.Context, paths []string, deployed []*adapter.Migration, j *judge) ([]*adapter.Migration, error) {
	var out []*adapter.Migration
	var names []string
	for _, p := range paths {
		if p != "-" {
			names = append(names, p)
			continue
		}
		set, err := c.stdin()
		if err != nil {
			return nil, err
		}
		settle(deployed, set)
		j.runBy(set, c.said(set), c.Transaction)
		out = append(out, set.Migrations...)
	}
	if len(names) == 0 {
		return out, nil
	}
	tree, local, err := c.tree(names, j)
	if err != nil {
		return nil, err
	}
	sets, err := c.sets(ctx, gittree.Of(tree), local, j)
	if err != nil {
		return nil, err
	}
	settle(deployed, sets...)
	for _, s := range sets {
		j.runBy(s, c.said(s), c.Transaction)
		out = append(out, s.Migrations...)
		j.report.Opaque = append(j.report.Opaque, s.Opaque...)
		j.history(s.History)
	}
	j.passedOver(gittree.Of(tree), local, sets)
	return out, nil
}

// stdin is what stands on the standard input, as a set of one.
func (c *CheckConfig) stdin() (*adapter.Set, error) {
	if c.Stdin == nil {
		return nil, &config.InputError{Err: errors.New("-: there is no standard input")}
	}
	text, err := io.ReadAll(io.LimitReader(c.Stdin, maxStdin+1))
	if err != nil {
		return nil, fmt.Errorf("read standard input: %w", err)
	}
	if len(text) > maxStdin {
		return nil, &config.InputError{Err: fmt.Errorf("standard input is larger than %d MB", maxStdin>>20)}
	}
	set := c.loose()
	m := &adapter.Migration{ID: "stdin", Path: "<stdin>", Framework: all.Plain, Runner: set.Source.Options.Runner, Source: script.Source{Text: string(text)}}
	c.send(m)
	set.Migrations = append(set.Migrations, m)
	return set, nil
}

// loose is a set for files that no framework claims.
func (c *CheckConfig) loose() *adapter.Set {
	return &adapter.Set{
		Source: adapter.Source{Framework: all.Plain, Options: adapter.Options{Transaction: c.Transaction, Runner: assumed(c.Settings)}},
		Told:   adapter.Told{Transaction: cmp.Or(c.Transaction, onward.TransactionNone), Assumed: c.Transaction == ""},
	}
}

// send says how such a file is sent.
func (c *CheckConfig) send(m *adapter.Migration) {
	m.Source.Parts = []script.Part{{SQL: m.Source.Text}}
	m.Source.Mode, m.Runner.Guessed = cmp.Or(c.Transaction, onward.TransactionNone), c.Transaction == ""
	// As psql does, with -f or with -1.
	m.Source.Psql = c.Transaction != onward.TransactionMessage && c.Transaction != onward.TransactionPipeline
}

// said is what says how the files of a set are sent, where something does.
func (c *CheckConfig) said(set *adapter.Set) string {
	switch {
	case set.Source.Why == namedWhy:
		return "--framework"
	case set.Source.Options.Transaction == c.Transaction && c.Transaction != "":
		return "--transaction"
	}
	return config.Name
}

// tree holds the files that are named, and those of the directories that are. What of
// these cannot be read is listed. local are the names as the tree has them.
func (c *CheckConfig) tree(names []string, j *judge) (tree gitrange.Tree, local []string, err error) {
	root := cmp.Or(c.Dir, ".")
	for _, p := range names {
		at := p
		if !filepath.IsAbs(p) {
			at = filepath.Join(root, p)
		}
		if _, err := os.Stat(at); err != nil {
			return nil, nil, &config.InputError{Err: err}
		}
	}
	if root, local, err = rootFor(root, names); err != nil {
		return nil, nil, err
	}
	if tree, err = gitrange.DirTree(root, local); err != nil {
		return nil, nil, err
	}
	for _, f := range tree.Files() {
		if f.Err == nil || strings.HasSuffix(f.Path, ".sql") {
			continue // the file itself is said where it is read
		}
		if info, err := os.Lstat(filepath.Join(root, f.Path)); err == nil && info.IsDir() {
			j.opaque(onward.Opaque{
				Path: f.Path, What: "the whole directory", Why: strings.TrimPrefix(f.Err.Error(), "read "+f.Path+": "), Failed: true,
			})
		}
	}
	return tree, local, nil
}

// file reports whether a path names one thing to read, not a directory.
func (c *CheckConfig) file(p string) bool {
	if !filepath.IsAbs(p) {
		p = filepath.Join(cmp.Or(c.Dir, "."), p)
	}
	info, err := os.Stat(p)
	return err != nil || !info.IsDir()
}

// maxStdin bounds what is read from standard input.
const maxStdin = 64 << 20

// sets loads what the adapters claim of a tree, and the rest as plain SQL.
func (c *CheckConfig) sets(ctx context.Context, t adapter.Tree, local []string, j *judge) ([]*adapter.Set, error) {
	var adapters []adapter.Adapter
	for _, x := range all.All() {
		if c.Framework == "" || c.Framework == x.Name() {
			adapters = append(adapters, x)
		}
	}
	sources, err := c.chosen(t, adapters, j)
	if err != nil {
		return nil, err
	}
	a := changelog{Config: Config{Settings: c.Settings, Logger: c.Logger}}
	var sets []*adapter.Set
	claimed := map[string]bool{}
	loaded, failed := make([]*adapter.Set, len(sources)), make([]error, len(sources))
	each := adapter.Each
	if all.Traits(c.Framework).Renders {
		// Each project is rendered by an interpreter with all there is.
		each = func(n int, f func(int)) {
			for i := range n {
				f(i)
			}
		}
	}
	each(len(sources), func(i int) {
		loaded[i], failed[i] = a.set(ctx, adapters, t, c.withOptions(t, sources[i]))
	})
	for i, s := range sources {
		set, err := loaded[i], failed[i]
		if err != nil {
			// One project that cannot be read does not hide the others.
			j.opaque(onward.Opaque{Path: cmp.Or(s.Dir, "."), What: s.Framework + " migrations", Why: err.Error(), Failed: true})
			continue
		}
		if all.Traits(s.Framework).Plain {
			// What it leaves aside in the directory was asked for by name.
			set.Opaque = nil
		}
		sets = append(sets, set)
		for _, m := range set.Migrations {
			claimed[m.Path], claimed[m.DownPath] = true, true
		}
	}
	return append(sets, c.rest(t, claimed, local)), nil
}

// chosen are the sources below what was named: those that are detected, or all
// directories with SQL files where the framework is told.
func (c *CheckConfig) chosen(t adapter.Tree, adapters []adapter.Adapter, j *judge) ([]adapter.Source, error) {
	var sources []adapter.Source
	if c.Framework != "" {
		if len(adapters) == 0 {
			return nil, &config.InputError{Err: fmt.Errorf("there is no framework %q", c.Framework)}
		}
		for _, d := range adapter.Dirs(t, ".sql") {
			sources = append(sources, adapter.Source{Framework: c.Framework, Dir: d.Path, Score: 3, Why: namedWhy})
		}
		return sources, nil
	}
	found, skipped := adapter.Detect(t, adapters)
	chosen, ties := adapter.Choose(found)
	for _, s := range chosen {
		if traits := all.Traits(s.Framework); traits.Renders {
			// To render it, the project's own code would have to run:
			// nobody asked for that by naming files.
			skipped = append(skipped, onward.Opaque{
				Path: cmp.Or(s.Dir, "."), What: traits.Project, Why: "onward changelog renders and judges its migrations; --framework " + s.Framework + " does here",
			})
			continue
		}
		sources = append(sources, s)
	}
	j.report.Opaque = append(j.report.Opaque, append(skipped, ties...)...)
	return sources, nil
}

// withOptions is a source with what the settings and the command line say of it.
func (c *CheckConfig) withOptions(t adapter.Tree, s adapter.Source) adapter.Source {
	s.Options.Runner = assumed(c.Settings)
	for i := range c.Settings.Migrations {
		m := &c.Settings.Migrations[i]
		if (m.Framework == "" || m.Framework == s.Framework) && strings.Trim(m.Dir, "/") == s.Dir {
			s.Options = adapter.Options{Transaction: m.Transaction, Python: m.Python, Settings: m.Settings, Environment: m.Environment, Runner: runnerOf(c.Settings, m)}
		}
	}
	// What only names tell is a guess, and gives way.
	if c.Transaction != "" && (all.Traits(s.Framework).Plain || s.Score < 3) {
		s.Options.Transaction = c.Transaction
	}
	s.Options.Runner.LockTimeoutAt = lockTimeoutAt(t, s)
	return s
}

// rest takes the SQL files that no framework claims, in natural order of their
// paths. Those for other databases are left out unless they are named.
func (c *CheckConfig) rest(t adapter.Tree, claimed map[string]bool, local []string) *adapter.Set {
	set := c.loose()
	for _, d := range adapter.Dirs(t, ".sql") {
		for _, n := range d.Others {
			claimed[d.Join(n)] = !slices.Contains(local, d.Join(n))
		}
	}
	var names []string
	for _, p := range t.Paths() {
		if !claimed[p] && (strings.HasSuffix(p, ".sql") || slices.Contains(local, p)) && !down(p) {
			names = append(names, p)
		}
	}
	slices.SortFunc(names, adapter.Natural)
	for _, f := range adapter.ReadFiles(t, adapter.Dir{}, names) {
		m := f.Start(set.Source, strings.TrimSuffix(path.Base(f.Path), ".sql"), "")
		c.send(m)
		m.Problems = f.Refused()
		set.Migrations = append(set.Migrations, m)
	}
	return set
}

// down reports whether a file undoes a migration, by its name.
func down(path string) bool {
	return strings.HasSuffix(path, ".down.sql") || strings.HasSuffix(path, "/down.sql") || strings.HasSuffix(path, "_down.sql")
}
