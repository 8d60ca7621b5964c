package capture

import (
	"context"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/adapter/command"
	"github.com/onward-sql/onward/internal/lazyregexp"
)

// Placeholders of a command that prints SQL: "alembic upgrade {from}:{to} --sql".
const (
	fromPlaceholder = "{from}"
	toPlaceholder   = "{to}"
	idPlaceholder   = "{id}"
	// firstMigration is the range's beginning: before the first migration.
	firstMigration = "0"
)

// renderVersion changes with the format of a rendering in the cache.
const renderVersion = "1"

// Render runs the command on a tree and returns the SQL that it prints, or answers from the cache. Errors: an [*Error] if the
// command fails, and the context's.
func (c *Config) Render(ctx context.Context, t adapter.Tree, s adapter.Source) (*Rendering, error) {
	key := c.treeKey(t, s, "render", renderVersion)
	cachedRendering := &Rendering{}
	if c.loadCached(key, cachedRendering) {
		return cachedRendering, nil
	}
	words, err := command.Split(c.Command)
	if err != nil {
		return nil, fmt.Errorf("render: in onward.yaml: %w", err)
	}
	command.PrepareAccess(c.Home)
	cmd, remove, err := c.newCommand(ctx, t, s)
	if err != nil {
		return nil, err
	}
	defer func() { _ = remove() }() // if this fails, the next run tries again
	r := &Rendering{}
	for _, run := range listRuns(words, listMigrationIDs(t, s.Dir)) {
		cmd.Words = run.words
		text, gaps, err := c.capturePrintedSQL(ctx, *cmd)
		if err != nil {
			return nil, err
		}
		r.Gaps = gaps
		if err := r.addStatementsOfText(run.id, text); err != nil {
			return nil, err
		}
	}
	c.storeCached(key, r)
	return r, nil
}

// renderRun is one start of the command.
type renderRun struct {
	// id is the migration that it prints; "" for all.
	id    string
	words []string
}

// listRuns returns the starts of a command: one for each migration if the command asks for its name, else one for all.
func listRuns(words, ids []string) []renderRun {
	names := []string{fromPlaceholder, firstMigration}
	if len(ids) > 0 {
		names = append(names, toPlaceholder, ids[len(ids)-1])
	}
	forRange := replacePlaceholders(words, names...)
	if !slices.ContainsFunc(words, func(w string) bool { return strings.Contains(w, idPlaceholder) }) {
		return []renderRun{{words: forRange}}
	}
	var out []renderRun
	for _, id := range ids {
		out = append(out, renderRun{id, replacePlaceholders(forRange, idPlaceholder, id)})
	}
	return out
}

func replacePlaceholders(words []string, names ...string) []string {
	replacer := strings.NewReplacer(names...)
	out := make([]string, len(words))
	for i, w := range words {
		out[i] = replacer.Replace(w)
	}
	return out
}

// numberedName matches the names of migrations.
var numberedName = lazyregexp.New(`^[VvRrUu]?[0-9]`)

// listMigrationIDs returns the names of the migrations of a directory by their files, in their order.
func listMigrationIDs(t adapter.Tree, dir string) []string {
	var out []string
	for _, relPath := range adapter.FilesBelow(t, dir) {
		name, _, isDir := strings.Cut(relPath, "/")
		if !isDir {
			if isCompanionFile(name) {
				continue
			}
			name = strings.TrimSuffix(strings.TrimSuffix(name, path.Ext(name)), ".up")
		}
		if numberedName.MatchString(name) {
			out = append(out, name)
		}
	}
	slices.SortFunc(out, adapter.CompareNatural)
	return slices.Compact(out)
}

// capturePrintedSQL runs a command and returns what it prints, and what was not confined. Connections do not matter, and build servers that it leaves are
// ended.
func (c *Config) capturePrintedSQL(ctx context.Context, cmd Command) (text string, gaps []string, err error) {
	env := []string{"CI=1", "NO_COLOR=1", "DOTNET_NOLOGO=1", "DOTNET_CLI_TELEMETRY_OPTOUT=1"}
	run, err := cmd.runConfined(ctx, cmd.Words, env, cmd.Environment, "")
	if err != nil {
		return "", nil, err
	}
	c.Logger.Debug("the command ended", "command", cmd.Words[0], "printed", len(run.Output), "notes", run.notes)
	if err := explainFailure(run, cmd.Words, &Result{}); err != nil {
		return "", nil, err
	}
	return string(run.Output), run.Gaps, nil
}
