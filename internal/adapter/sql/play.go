package sql

import (
	"path"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/lazyregexp"
	"github.com/onward-sql/onward/onward"
)

var (
	playCut  = lazyregexp.New(`;+`)
	playName = lazyregexp.New(`^\d+\.sql$`)
	// playTogether matches the setting with which all pending evolutions are one transaction.
	playTogether = lazyregexp.New(`(?m)^[^#\n]*\bautocommit\s*[=:]\s*"?false`)
)

// Play's evolutions are described from their source (play-jdbc-evolutions 3.0: DefaultEvolutionsApi, Evolution) and run (3.0.9): each
// statement commits by itself, unless autocommit is off. The hash of an evolution has the text of both parts, with comments.
var play = runner{
	name: "Play",
	historyBehavior: adapter.HistoryBehavior{
		Edited: "Play's hash of it has comments and the Downs, too: Play refuses to start, or, with play.evolutions.autoApplyDowns, runs " +
			"the Downs of this evolution and of all later ones, which removes their rows, and then the Ups again",
		Deleted:    "Play refuses to start, or, with play.evolutions.autoApplyDowns, runs its Downs, which removes its rows",
		OutOfOrder: "Play refuses to start: the numbers after it have other texts than those that were applied",
	},
	historyTables: []adapter.HistoryTable{{
		Table: "play_evolutions",
		Columns: `(id int PRIMARY KEY, hash varchar(255) NOT NULL, applied_at timestamp NOT NULL, apply_script text, revert_script text, ` +
			`state varchar(255), last_problem text)`,
	}},
	detectNearby: func(p *migrationDir) bool {
		return path.Base(path.Dir(p.Path)) == "evolutions" && slices.ContainsFunc(p.ups, playName.MatchString) && p.recordEvidence(p.Join(p.ups[0]))
	},
	names: playName, nameForm: "NUMBER.sql", nameExample: "2.sql",
	marks: &marks{
		up: compilePattern(`^(?:--|#)[\s-]*!Ups\b.*$`), down: compilePattern(`^(?:--|#)[\s-]*!Downs\b.*$`), words: []string{
			"!Ups", "!Downs", "!ups", "!downs", "!UPS", "!DOWNS",
		},
		mode: onward.TransactionNone, cuts: true,
	},
	send:  cutPlayFile,
	twice: func(string) string { return "Play reads one file of each number: the other never runs" },
	finish: func(t adapter.Tree, set *adapter.Set) {
		reportNumberGaps(set, func(int) string {
			return "Play reads the numbers up to the first gap: this evolution and all later ones never run, and nothing says so"
		})
		set.Together = isPlayTogether(t, set.Source.Dir)
	},
}

// isPlayTogether reports whether a configuration above a directory of evolutions turns autocommit off.
func isPlayTogether(t adapter.Tree, dir string) bool {
	return adapter.Memoize(t, "autocommit of Play in "+dir, func() bool {
		file, ok := adapter.NearestFile(t, dir, "application.conf")
		return ok && playTogether.MatchString(adapter.ReadFile(t, file).Text)
	})
}

// cutPlayFile cuts an evolution as Play does: at each ';' that is not one of two. Of two, one reaches the server; the other is a blank here,
// so that all places stay.
func cutPlayFile(f *file) {
	if isPlayTogether(f.tree, path.Dir(f.m.Path)) {
		f.mode = onward.TransactionFile
	}
	written := f.text
	if f.hash = written; strings.Contains(written, ";;") {
		f.text = strings.ReplaceAll(written, ";;", "; ")
		f.m.Source.Text = f.text
	}
	for _, region := range f.regions {
		if offset, open := findPlayCut(written[region[0]:region[1]], f.text[region[0]:region[1]]); offset >= 0 {
			f.m.Refuse(region[0]+offset, "Play cuts the file at this ';', inside "+open,
				"it sends half a statement, the server answers with a syntax error, and the application does not start",
				"write ;; for each ';' that does not end a statement")
		}
	}
}

// findPlayCut returns the first single ';' of a part as it is written that ends no statement of the part as it is sent, and what is open
// there; -1 for none.
func findPlayCut(written, sent string) (offset int, open string) {
	var lex adapter.Lexer
	from := 0
	for _, cut := range playCut.FindAllStringIndex(written, -1) {
		if cut[1]-cut[0] > 1 {
			continue
		}
		lex.Feed(sent[from:cut[0]])
		from = cut[0]
		line, _, _ := strings.Cut(sent[cut[1]:], "\n")
		if open = lex.Open(); open != "" && (open != "a comment" || strings.TrimSpace(line) != "") {
			return cut[0], open
		}
	}
	return -1, ""
}
