package alembic

import (
	"path"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/configfile"
	"github.com/onward-sql/onward/internal/lazyregexp"
)

// flaskPreset is the command of Flask-Migrate.
const flaskPreset = "flask db upgrade {from}:{to} --sql"

// PresetCommand returns the usual command of a project: Flask-Migrate's if env.py asks Flask for its application. Options
// choose this directory, and the arguments of -x come from the project's own commands or from env.py.
func (*Adapter) PresetCommand(t adapter.Tree, s adapter.Source) string {
	environment := environmentFile(t, s.Dir)
	text := ""
	if environment != "" {
		text = adapter.ReadFile(t, environment).Text
	}
	if strings.Contains(text, "current_app") {
		return flaskPreset
	}
	options := ""
	file, section := findSettingsFile(t, path.Dir(environment))
	if file != "" {
		options += " -c " + file
	}
	if section != "" {
		options += " -n " + section
	}
	if strings.Contains(text, "get_x_argument") {
		for _, x := range listArguments(t, text, section) {
			options += " -x " + x
		}
	}
	return strings.Replace(adapter.RenderCommand(tool.Name), " ", options+" ", 1)
}

// usualSection is the section of the settings that Alembic reads without -n.
const usualSection = "alembic"

// findSettingsFile returns the file of settings and its section for the directory of an env.py; "" for what Alembic uses by itself.
func findSettingsFile(t adapter.Tree, dir string) (file, section string) {
	usual, found := adapter.NearestFile(t, dir, "alembic.ini")
	if found {
		sections := listSections(t, usual, dir)
		switch {
		case slices.Contains(sections, usualSection):
			return "", ""
		case len(sections) > 0:
			return "", sections[0]
		}
	}
	for _, p := range t.Paths() {
		if path.Ext(p) != ".ini" || p == usual {
			continue
		}
		if sections := listSections(t, p, dir); len(sections) > 0 {
			if file = p; path.Base(p) == "alembic.ini" && !found {
				file = "" // the command runs beside it
			}
			if !slices.Contains(sections, usualSection) {
				section = sections[0]
			}
			return file, section
		}
	}
	return "", ""
}

// listSections returns the sections of a file of settings whose scripts are in a directory.
func listSections(t adapter.Tree, file, dir string) []string {
	settings, err := configfile.ReadINI(adapter.ReadFile(t, file).Text)
	if err != nil {
		return nil
	}
	var out []string
	for _, x := range settings {
		if x.Key != "script_location" || len(x.Values) == 0 {
			continue
		}
		location := x.Values[0]
		if len(x.Values) == 3 && location == "%" { // %(here)s/DIRECTORY
			location = strings.TrimPrefix(x.Values[2], "s/")
		}
		if path.Join(path.Dir(file), location) == path.Clean(dir) {
			out = append(out, x.Section)
		}
	}
	return out
}

var (
	// upgradeCall is a command that upgrades, with its options in the first group.
	upgradeCall = lazyregexp.New(`\balembic((?:[ \t]+(?:-[cnx]|--name|--config)(?:[ \t]+|=)\S+)+)[ \t]+upgrade\b`)
	argument    = lazyregexp.New(`-x[ \t=]+["']?(\w+=[\w.:/-]+)`)
	sectionName = lazyregexp.New(`(?:-n|--name)[ \t=]+(\S+)`)
	// neededArgument is a value of -x without which env.py fails.
	neededArgument = lazyregexp.New(`get_x_argument\([^)\n]*\)\s*\[\s*["'](\w+)["']\s*\]`)
)

// commandFiles are the names and endings of files in which projects have their commands.
var commandFiles = []string{"Makefile", "justfile", "Procfile", "Dockerfile", ".sh", ".yml", ".yaml", ".toml"}

// listArguments returns the arguments of -x in a command of the project for the same section. Without one, env.py names them, and their
// value is VALUE.
func listArguments(t adapter.Tree, environment, section string) []string {
	for _, p := range t.Paths() {
		if !slices.ContainsFunc(commandFiles, func(end string) bool { return strings.HasSuffix(p, end) }) {
			continue
		}
		for _, m := range upgradeCall.FindAllStringSubmatch(adapter.ReadFile(t, p).Text, -1) {
			name := sectionName.FindStringSubmatch(m[1])
			if (name == nil && section != "") || name != nil && name[1] != section {
				continue
			}
			var out []string
			for _, x := range argument.FindAllStringSubmatch(m[1], -1) {
				out = append(out, x[1])
			}
			if len(out) > 0 {
				return out
			}
		}
	}
	var out []string
	for _, m := range neededArgument.FindAllStringSubmatch(environment, -1) {
		if x := m[1] + "=VALUE"; !slices.Contains(out, x) {
			out = append(out, x)
		}
	}
	return out
}
