package sql

import (
	"path"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/lazyregexp"
	"github.com/onward-sql/onward/onward"
)

// myBatisCommits matches the setting of an environment with which each statement commits by itself.
var myBatisCommits = lazyregexp.New(`(?m)^\s*auto_commit\s*[=:]\s*true\b`)

// MyBatis' migrations are described from their manual and run (3.5.0): a script is one transaction, unless its environment says
// auto_commit=true.
var mybatis = runner{
	name: "MyBatis", apart: "a step of the deploy of its own: MyBatis runs each script in a transaction, unless its environment has\nauto_commit=true",
	historyBehavior: adapter.HistoryBehavior{
		Edited:     "MyBatis records numbers, not contents: databases that have it keep what the old text did",
		OutOfOrder: "MyBatis " + runsAfter,
	},
	historyTables: []adapter.HistoryTable{{
		Table: "changelog", Columns: `(id numeric(20,0) PRIMARY KEY, applied_at varchar(25) NOT NULL, description varchar(255) NOT NULL)`,
	}},
	// "migrate init" makes the directories scripts and environments.
	found: func(t adapter.Tree, d adapter.Dir) string {
		if findMyBatisEnvironment(t, d.Path) == "" {
			return ""
		}
		return "scripts of MyBatis"
	},
	detectNearby: func(p *migrationDir) bool {
		file := findMyBatisEnvironment(p.tree, p.Path)
		return file != "" && p.recordEvidence(file)
	},
	mode: onward.TransactionFile,
	marks: &marks{
		down: compilePattern(`^--\s*//\s*@UNDO\b.*$`), words: []string{"@UNDO", "@undo", "@Undo"}, mode: onward.TransactionFile, cuts: true,
	},
	send: func(f *file) {
		dir := path.Dir(f.m.Path)
		if adapter.Memoize(f.tree, "auto_commit of "+dir, func() bool {
			file := findMyBatisEnvironment(f.tree, dir)
			return file != "" && myBatisCommits.MatchString(adapter.ReadFile(f.tree, file).Text)
		}) {
			f.mode = onward.TransactionNone
		}
	},
	unique: true,
	twice:  func(string) string { return "MyBatis records numbers, and none twice: one of the two never runs" },
}

// findMyBatisEnvironment returns the file of settings for the scripts of a directory, production's before others; "" for none.
func findMyBatisEnvironment(t adapter.Tree, dir string) string {
	if path.Base(dir) != "scripts" {
		return ""
	}
	d := adapter.ListDir(t, path.Join(path.Dir(dir), "environments"), ".properties")
	if len(d.Names) == 0 {
		return ""
	}
	production := slices.IndexFunc(d.Names, func(name string) bool { return strings.HasPrefix(name, "prod") })
	return d.Join(d.Names[max(0, production)])
}
