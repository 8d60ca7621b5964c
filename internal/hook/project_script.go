package hook

import (
	"encoding/json"
	"path/filepath"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/lazyregexp"
)

// readMakeRecipes reads the recipes of the targets that a run of make or just has: the commands of make reset-db.
func (r *scriptReader) readMakeRecipes(run *invocation, tool string, args []word) {
	dir, file := run.dir, ""
	var targets []string
	env := run.env
	for i := 0; i < len(args); i++ {
		w := args[i].text
		next := func() string {
			if i++; i < len(args) {
				return args[i].text
			}
			return ""
		}
		switch key, value, assigns := strings.Cut(w, "="); {
		case w == "-C" || w == "--directory":
			dir = joinPath(dir, next())
		case w == "-f" || w == "--file" || w == "--makefile" || w == "--justfile":
			file = next()
		case w == "-j" || w == "-I" || w == "-o" || w == "-W":
			next()
		case w == "-n" || w == "--dry-run" || w == "--just-print":
			return
		case assigns && isVariableName(key):
			env[key] = word{value, args[i].known}
		case !strings.HasPrefix(w, "-"):
			targets = append(targets, w)
		}
	}
	names := []string{"GNUmakefile", "makefile", "Makefile"}
	if tool == "just" {
		names = []string{"justfile", "Justfile", ".justfile"}
	}
	if file != "" {
		names = []string{file}
	}
	for _, name := range names {
		text, err := readFileIfExists(joinPath(dir, name))
		if err != nil || text == nil {
			continue
		}
		m := parseMakefile(*text, env)
		if len(targets) == 0 && m.first != "" {
			targets = []string{m.first}
		}
		inner := *run
		inner.dir, inner.env, inner.stdin = dir, m.values, nil
		for _, line := range m.recipeLines(targets) {
			r.readInnerScript(&inner, word{line, true})
		}
		return
	}
}

// makefile has the rules of a makefile or a justfile.
type makefile struct {
	first   string
	recipes map[string][]string
	needs   map[string][]string
	values  map[string]word
}

var (
	makeRule     = lazyregexp.New(`^([A-Za-z0-9_./%@$(){}\- ]+?)(?:\s+[A-Za-z0-9_+*="'. -]+)?\s*::?(?:\s+|$)([^=]*)$`)
	makeVariable = lazyregexp.New(`^(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*(?:[:?+]{0,2}=)\s*(.*)$`)
	makeExpand   = lazyregexp.New(`\$[({]([A-Za-z_][A-Za-z0-9_]*)[)}]|\{\{\s*([A-Za-z_][A-Za-z0-9_]*)\s*\}\}`)
)

// parseMakefile reads rules and plain variables. variables are the ones of make's command line.
func parseMakefile(text string, variables map[string]word) *makefile {
	m := &makefile{recipes: map[string][]string{}, needs: map[string][]string{}, values: map[string]word{}}
	for k, v := range variables {
		m.values[k] = v
	}
	var targets []string
	lines := strings.Split(strings.ReplaceAll(strings.ReplaceAll(text, "\r\n", "\n"), "\\\n", " "), "\n")
	for _, line := range lines {
		indented := strings.HasPrefix(line, "\t") || strings.HasPrefix(line, "  ")
		trimmed := strings.TrimSpace(line)
		switch v := makeVariable.FindStringSubmatch(line); {
		case trimmed == "" || strings.HasPrefix(trimmed, "#"):
		case indented && targets != nil:
			for _, t := range targets {
				m.recipes[t] = append(m.recipes[t], strings.TrimLeft(trimmed, "@-+"))
			}
		case v != nil:
			if _, set := variables[v[1]]; !set {
				m.values[v[1]] = word{m.expandVariables(strings.Trim(v[2], `"'`)), true}
			}
		default:
			if rule := makeRule.FindStringSubmatch(line); rule != nil {
				needs, recipe, _ := strings.Cut(rule[2], ";")
				targets = strings.Fields(rule[1])
				for _, t := range targets {
					if m.first == "" && !strings.HasPrefix(t, ".") {
						m.first = t
					}
					m.needs[t] = append(m.needs[t], strings.Fields(strings.ReplaceAll(m.expandVariables(needs), "|", " "))...)
					if recipe != "" {
						m.recipes[t] = append(m.recipes[t], strings.TrimSpace(recipe))
					}
				}
			}
		}
	}
	return m
}

// expandVariables replaces make's variables by their values, and others by the shell's.
func (m *makefile) expandVariables(text string) string {
	text = makeExpand.ReplaceAllStringFunc(text, func(ref string) string {
		name := strings.Trim(ref, "${}() ")
		if name == "MAKE" {
			return "make"
		}
		if v, ok := m.values[name]; ok && v.known {
			return v.text
		}
		return "${" + name + "}"
	})
	return strings.ReplaceAll(text, "$$", "$")
}

// recipeLines returns the lines that some targets run.
func (m *makefile) recipeLines(targets []string) []string {
	var out []string
	done := map[string]bool{}
	var visit func(string)
	visit = func(t string) {
		if done[t] {
			return
		}
		done[t] = true
		for _, n := range m.needs[t] {
			visit(n)
		}
		for _, line := range m.recipes[t] {
			out = append(out, m.expandVariables(line))
		}
	}
	for _, t := range targets {
		visit(t)
	}
	return out
}

// readPackageScript reads the script of a package that a package manager runs. It reports whether a program follows instead.
func (r *scriptReader) readPackageScript(run *invocation, manager string, args []word) bool {
	dir := run.dir
	for len(args) > 0 {
		w := args[0].text
		switch {
		case slices.Contains([]string{"--prefix", "--cwd", "--dir", "-C", "-w", "--workspace", "--filter", "-F"}, w) && len(args) > 1:
			if !strings.HasPrefix(w, "-w") && w != "--workspace" && w != "--filter" && w != "-F" {
				dir = joinPath(dir, args[1].text)
			}
			args = args[2:]
		case strings.HasPrefix(w, "-"):
			args = args[1:]
		case slices.Contains([]string{"run", "run-script", "rum", "urn"}, w):
			args = args[1:]
		case slices.Contains([]string{"exec", "dlx", "x"}, w):
			run.args = args
			run.args[0] = word{"npx", true}
			run.dir = dir
			return true
		case w == "explore" && len(args) > 2: // a command in the directory of a package
			run.args, run.dir = args[2:], joinPath(dir, "node_modules/"+args[1].text)
			if run.args[0].text == "--" {
				run.args = run.args[1:]
			}
			return len(run.args) > 0
		case w == "workspace" && len(args) > 2:
			args = args[2:]
		default:
			return r.readNamedScript(run, dir, manager, args)
		}
	}
	return false
}

// readNamedScript reads one script by its name.
func (r *scriptReader) readNamedScript(run *invocation, dir, manager string, args []word) bool {
	name := args[0].text
	scripts := loadPackageScripts(dir, manager)
	found := false
	for _, key := range []string{"pre" + name, name, "post" + name} {
		for _, text := range scripts[key] {
			found = true
			if alias, ok := strings.CutPrefix(text, "@"); ok && manager == "composer" {
				text = "composer " + alias
				if php, ok := strings.CutPrefix(alias, "php "); ok {
					text = "php " + php
				}
			}
			if key == name {
				for _, a := range args[1:] {
					if a.text != "--" {
						text += " " + quoteArguments([]string{a.text})
					}
				}
			}
			inner := *run
			inner.dir = dir
			r.readInnerScript(&inner, word{text, true})
		}
	}
	if found {
		return false
	}
	run.args, run.dir = args, dir // yarn prisma …
	return true
}

// loadPackageScripts returns the scripts of the nearest package.
func loadPackageScripts(dir, manager string) map[string][]string {
	file := "package.json"
	if manager == "composer" {
		file = "composer.json"
	}
	for {
		if text, err := readFileIfExists(filepath.Join(dir, file)); err == nil && text != nil {
			var p struct{ Scripts map[string]json.RawMessage }
			_ = json.Unmarshal([]byte(*text), &p) // a package without scripts that can be read has none
			out := map[string][]string{}
			for name, raw := range p.Scripts {
				out[name] = parseTexts(raw)
			}
			return out
		}
		if dir == filepath.Dir(dir) {
			return nil
		}
		dir = filepath.Dir(dir)
	}
}
