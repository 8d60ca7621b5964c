// Command new writes the two files of a new rule, with a test that fails:
//
//	go run ./internal/rules/tools/new index-create-blocking
//	go run ./internal/rules/tools/new table-rename rename
//
// The second name is the folder, if that is not the subject.
package main

import (
	"fmt"
	"go/format"
	"os"
	"path/filepath"
	"strings"

	"github.com/onward-sql/onward/internal/lazyregexp"
)

func main() {
	if len(os.Args) != 2 && len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: go run ./internal/rules/tools/new SUBJECT-ACT-TROUBLE [FOLDER]")
		os.Exit(2)
	}
	if err := scaffoldRule(os.Args[1], os.Args[2:]...); err != nil {
		fmt.Fprintln(os.Stderr, "new:", err)
		os.Exit(1)
	}
}

func scaffoldRule(id string, folder ...string) error {
	if !lazyregexp.New(`^[a-z]+(-[a-z0-9]+)+$`).MatchString(id) {
		return fmt.Errorf("%q: the name is subject-act-trouble in lower case", id)
	}
	subject, rest, _ := strings.Cut(id, "-")
	if len(folder) > 0 && folder[0] != subject {
		subject, rest = folder[0], id
	}
	base := strings.ReplaceAll(rest, "-", "_")
	variable := ""
	for _, word := range strings.Split(rest, "-") {
		variable += strings.ToUpper(word[:1]) + word[1:]
	}
	check := strings.ToLower(variable[:1]) + variable[1:]
	pkg := subject
	if pkg == "type" {
		pkg = "types"
	}
	dir := filepath.Join("internal", "rules", subject)
	if err := os.MkdirAll(filepath.Join(dir, "testdata"), 0o755); err != nil {
		return err
	}
	code, err := format.Source(fmt.Appendf(nil, `package %s

import (
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// %s flags
var %s = &rule.Rule{
	ID:       %q,
	Category: onward.Locking,
	Severity: onward.Error,
	Summary:  "",
	Harm:     "",
	Instead:  "",
	Statement: %s,
}

func %s(p *rule.Pass, s *rule.Stmt) {
}
`, pkg, variable, variable, id, check, check))
	if err != nil {
		return err
	}
	fixture := "# \n-- before.sql --\n-- bad.sql --\nSELECT 1; -- want \"…\"\n-- fixed.sql --\n-- good.sql --\n"
	for path, text := range map[string]string{
		filepath.Join(dir, base+".go"):                string(code),
		filepath.Join(dir, "testdata", base+".txtar"): fixture,
	} {
		if _, err := os.Stat(path); err == nil {
			return fmt.Errorf("%s exists", path)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			return err
		}
		fmt.Println(path)
	}
	fmt.Printf("Write the fixture, then the check. Then run:\n\n    go generate ./internal/rules\n    go test ./internal/rules -run 'TestFixtures/%s'\n", id)
	return nil
}
