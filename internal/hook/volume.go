package hook

import (
	"path/filepath"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/configfile"
	"github.com/onward-sql/onward/internal/lazyregexp"
)

var (
	composeNames  = []string{"compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml"}
	postgresImage = lazyregexp.New(`(?i)postg|timescale|pgvector|citus|paradedb`)
	includesFiles = lazyregexp.New(`(?m)^include:`)
	databaseLike  = lazyregexp.New(`(?i)pg|postgres|sql|db|database`)
)

// volumeDanger returns the harm of container commands that remove a database's volume, such as docker compose down -v; "" for none.
func volumeDanger(a arguments) string {
	list := a.listWords()
	isCompose := slices.Contains(list, "compose") || strings.HasSuffix(programName(a.run.args[0].text), "-compose")
	switch {
	case isCompose && slices.Contains(list, "down") && hasOptionOrLetter(a, "v", "--volumes"):
		if databases, read := readComposeDatabases(a); read && len(databases) == 0 {
			return ""
		}
		return "removes the volumes of its containers"
	case len(list) > 1 && list[0] == "volume" && list[1] == "prune" && hasOptionOrLetter(a, "a", "--all"):
		return "removes volumes"
	case len(list) > 1 && list[0] == "rm" && hasOptionOrLetter(a, "v", "--volumes") && slices.ContainsFunc(list[1:], databaseLike.MatchString):
		return "removes a container with its volumes"
	case len(list) > 2 && list[0] == "volume" && (list[1] == "rm" || list[1] == "remove") && slices.ContainsFunc(list[2:], databaseLike.MatchString):
		return "removes a volume"
	}
	return ""
}

// hasOptionOrLetter reports whether an option is there: with its long name, or with its letter, also in a group such as -fv.
func hasOptionOrLetter(a arguments, letter, long string) bool {
	return a.hasOption(long) || slices.ContainsFunc(a.all, func(w word) bool {
		return strings.HasPrefix(w.text, "-") && !strings.HasPrefix(w.text, "--") && strings.Contains(w.text, letter)
	})
}

// readComposeDatabases returns the databases of the services in the file of docker compose. read is false if there is no such file.
func readComposeDatabases(a arguments) (list []database, read bool) {
	names := slices.Clone(composeNames)
	for i, w := range a.all {
		if (w.text == "-f" || w.text == "--file") && i+1 < len(a.all) {
			names = []string{a.all[i+1].text}
		}
	}
	for _, name := range names {
		text, err := readFileIfExists(joinPath(a.run.dir, filepath.FromSlash(name)))
		if err != nil || text == nil {
			continue
		}
		services, err := configfile.ReadCompose(*text)
		if err != nil || includesFiles.MatchString(*text) {
			return nil, false
		}
		for _, s := range services {
			if postgresImage.MatchString(s.Image) || s.Image == "" && databaseLike.MatchString(s.Name) {
				list = append(list, database{host: s.Name, name: composeDatabase(s.Environment)}.withDefaults())
			}
		}
		return list, true
	}
	return nil, false
}

// composeDatabase returns the database that the image of Postgres makes; "" if its name is not known.
func composeDatabase(environment map[string]string) string {
	for _, key := range []string{"POSTGRES_DB", "POSTGRES_USER"} {
		if value, set := environment[key]; set {
			if strings.Contains(value, "$") {
				return ""
			}
			return value
		}
	}
	return "postgres"
}

// findVolumeDatabases returns the databases whose volumes a command removes.
func findVolumeDatabases(run *invocation) (list []database, reason string) {
	list, read := readComposeDatabases(arguments{all: run.args[1:], run: run})
	isDown := slices.Contains((arguments{all: run.args[1:]}).listWords(), "down")
	if !read || !isDown || slices.ContainsFunc(list, func(d database) bool { return d.name == "" }) {
		return nil, "the command does not name it"
	}
	return list, ""
}
