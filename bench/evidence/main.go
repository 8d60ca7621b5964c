// Command evidence asks what a release breaks in public applications, and compares the answers with the application's own suite:
//
//	go run ./bench/evidence -repositories DIRECTORY -recipes DIRECTORY [-migcheck PROGRAM] [-application NAME] [-change NAME]
//	go run ./bench/evidence -page
//
// The first form measures, and needs the repositories as bare clones, in DIRECTORY/OWNER+NAME/repo, and a recipe for each
// application (see README.md). It writes what was measured into results.json. The second form writes docs/evidence.md from that file.
//
// The truth is measured: the suite of the deployed code runs on the schema of the new release. No code of an application is kept here.
package main

import (
	"cmp"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// resultsFile and pageFile are written by this command, from the root of the repository.
const (
	applicationsFile = "bench/evidence/applications.json"
	resultsFile      = "bench/evidence/results.json"
	pageFile         = "docs/evidence.md"
)

// Application is a public repository, its two releases, and the changes that are planted in the first. A repository may be several times in the list,
// with other releases.
type Application struct {
	Name string `json:"name"`
	// Recipe is the directory of the recipe. Without it, it is called as the application.
	Recipe     string `json:"recipe,omitempty"`
	Repository string `json:"repository"`
	Tool       string `json:"tool"`
	// Base and Head are commits; BaseName and HeadName are the releases' names. There is no Head if only planted changes count.
	Base     string `json:"base"`
	BaseName string `json:"base_name"`
	Head     string `json:"head,omitempty"`
	HeadName string `json:"head_name,omitempty"`
	// HeadDoes says in words what the real release's migrations do.
	HeadDoes string `json:"head_does,omitempty"`
	// Suite says in words which part of the suite runs.
	Suite string `json:"suite"`
	// Migrations are the directories that the suite on the new schema takes from the head.
	Migrations []string `json:"migrations"`
	// Path and Lines are the file of a planted migration. {{SQL}} in a line is replaced by a change's statements, as the tool quotes them.
	Path    string   `json:"path,omitempty"`
	Lines   []string `json:"lines,omitempty"`
	Changes []Change `json:"changes,omitempty"`
}

// recipeName is the name of the recipe's directory.
func (a Application) recipeName() string { return cmp.Or(a.Recipe, a.Name) }

// Change is a planted migration. SQL has its statements, and Name is its name on the page.
type Change struct {
	Name string `json:"name"`
	SQL  string `json:"sql"`
}

// Result is what one release of an application was measured to do. Change is "" for the real release.
type Result struct {
	Application string `json:"application"`
	Change      string `json:"change,omitempty"`
	Suite       Suite  `json:"suite"`
	// Answers has one for each tool.
	Answers map[string]Answer `json:"answers"`
}

// Suite is what the deployed code's suite did on the new schema.
type Suite struct {
	Fails  bool `json:"fails"`
	Tests  int  `json:"tests"`
	Failed int  `json:"failed"`
	// Refused means that no test began, because the server refused the rows that all of them need. All are counted as failed.
	Refused bool `json:"refused,omitempty"`
}

// Recording is what recording a suite of an application costs, once for all its releases.
type Recording struct {
	Tests      int     `json:"tests"`
	Statements int     `json:"statements"`
	CPU        float64 `json:"cpu"`
}

// Answer is what a tool says about a release.
type Answer struct {
	Level Level `json:"level"`
	// Says is the first finding: a rule, a kind with its SQLSTATE, or the tool's own verdict.
	Says string  `json:"says,omitempty"`
	CPU  float64 `json:"cpu"`
	Wall float64 `json:"wall"`
}

// Level is how loud an answer is.
type Level string

// The levels. LevelNone is no answer: the tool could not run.
const (
	LevelError   Level = "error"
	LevelWarning Level = "warning"
	LevelSafe    Level = "safe"
	LevelNone    Level = "none"
)

// Results is the content of results.json.
type Results struct {
	Recordings map[string]Recording `json:"recordings"`
	Results    []Result             `json:"results"`
}

func main() {
	o := options{}
	flag.StringVar(&o.repositories, "repositories", "", "the `directory` of the bare clones")
	flag.StringVar(&o.recipes, "recipes", "", "the `directory` of the recipes")
	flag.StringVar(&o.onward, "onward", "bin/onward", "the `program`")
	flag.StringVar(&o.migcheck, "migcheck", "", "the `program`; without it, its column keeps what was measured")
	flag.StringVar(&o.server, "server", "postgres:x@127.0.0.1:55432", "USER:PASSWORD@HOST:PORT of a server for the suites")
	flag.StringVar(&o.programs, "programs", "/usr/lib/postgresql/15/bin", "the `directory` of the programs of Postgres, for migcheck")
	flag.StringVar(&o.version, "pg", "15", "the major `version` of onward's throwaway servers")
	flag.StringVar(&o.work, "work", filepath.Join(os.TempDir(), "evidence"), "a `directory` for clones and recordings")
	flag.StringVar(&o.tools, "tools", "", "only these `tools`, with commas, or suite; the other columns keep what was measured")
	application := flag.String("application", "", "only the applications of these `names`, with commas")
	change := flag.String("change", "", "only the planted changes of these `names`, with commas; release is the real one")
	page := flag.Bool("page", false, "write the page only")
	flag.Parse()
	if err := runEvidence(context.Background(), &o, *application, *change, *page); err != nil {
		fmt.Fprintln(os.Stderr, "evidence:", err)
		os.Exit(1)
	}
}

func runEvidence(ctx context.Context, o *options, application, change string, page bool) error {
	list, err := readApplications(applicationsFile)
	if err != nil {
		return err
	}
	if !page {
		if o.repositories == "" || o.recipes == "" {
			return fmt.Errorf("-repositories and -recipes are needed to measure; see bench/evidence/README.md")
		}
		for _, a := range list {
			if application != "" && !slices.Contains(strings.Split(application, ","), a.Name) {
				continue
			}
			if err := o.measureApplication(ctx, a, change); err != nil {
				return fmt.Errorf("%s: %w", a.Name, err)
			}
		}
	}
	results, err := readResults(resultsFile)
	if err != nil {
		return err
	}
	return os.WriteFile(pageFile, []byte(renderPage(list, results)), 0o644) //nolint:gosec // It is a page.
}

func readApplications(path string) ([]Application, error) {
	data, err := os.ReadFile(path) //nolint:gosec // It is a file of this repository.
	if err != nil {
		return nil, err
	}
	var list []Application
	return list, json.Unmarshal(data, &list)
}

func readResults(path string) (*Results, error) {
	r := &Results{Recordings: map[string]Recording{}}
	data, err := os.ReadFile(path) //nolint:gosec // It is a file of this repository.
	if os.IsNotExist(err) {
		return r, nil
	}
	if err != nil {
		return nil, err
	}
	return r, json.Unmarshal(data, r)
}
