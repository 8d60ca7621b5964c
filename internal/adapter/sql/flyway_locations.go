package sql

import (
	"cmp"
	"path"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/lazyregexp"
)

// A configuration may name several locations. Flyway merges them: they are one history, in the order of the versions.

var (
	locationsKey = lazyregexp.New(`(?i)locations(?:\[\d+\])?["'\]]*\s*(?:[=:(>]|\.set\b)`)
	// locationStart matches the text before a location, in a list of any format: brackets and quotes, the dash of YAML, an
	// element of XML, the next index of a property, a variable's default.
	locationStart = lazyregexp.New(`^(?:[\s,;\[\](){}"'=:>+\\-]|</?locations?>|listOf|arrayOf|new String|\$\{[\w.]+:|[\w.]*\.locations\[\d+\])*`)
	locationName  = lazyregexp.New(`^(?:(?:classpath|filesystem):)?((?:[\w./-]|\{vendor\})+)(?:["',;\s<)}\]]|$)`)
	commentLine   = lazyregexp.New(`(?ms)^[ \t]*(?:#|//)[^\n]*$|<!--.*?-->`)
	yamlDocument  = lazyregexp.New(`(?m)^---.*$`)
	yamlProfile   = lazyregexp.New(`(?m)(?:on-profile|profiles)["']?\s*:\s*(.*)$`)
	mount         = lazyregexp.New(`(?m)^\s*-\s*["']?([\w./-]+):(/[\w./-]+?)/?(?::\w+)?["']?\s*$`)
	nameWords     = lazyregexp.New(`[^a-z]+`)
	profileFile   = lazyregexp.New(`^(?:application|bootstrap)-([\w-]+)\.`)
)

// notProduction are words in names of settings that production does not have.
var notProduction = []string{
	"dev", "devel", "development", "local", "test", "tests", "testing", "it", "ci", "integration", "qa", "uat", "stag", "stage", "staging", "demo",
	"sample", "samples", "seed", "seeds",
}

// locationList are the locations that one setting names.
type locationList struct {
	file  string
	names []string
	// production is set if the setting is for production only.
	production bool
	// ofProfile is set if a directory is called like the profile: only databases of that profile have it, merged with the other locations.
	ofProfile bool
	// development is set if production does not have the setting, by the name of its file or profile.
	development bool
}

// hasDirOf reports whether a list names the directory of a profile of Spring's: only databases of that profile have it.
func (l locationList) hasDirOf(profile string) bool {
	return slices.ContainsFunc(l.names, func(name string) bool { return strings.EqualFold(path.Base(name), strings.Trim(profile, `"' `)) })
}

// hasWord reports whether a name has one of some words in it.
func hasWord(name string, words ...string) bool {
	return slices.ContainsFunc(nameWords.Split(strings.ToLower(name), -1), func(w string) bool { return slices.Contains(words, w) })
}

// readLocationLists returns the lists of locations in a settings file.
func readLocationLists(file, text string) []locationList {
	development := strings.Contains("/"+file, "/src/test/") || hasWord(path.Base(file), notProduction...)
	text = commentLine.ReplaceAllString(text, "")
	documents := []string{text}
	if ext := path.Ext(file); ext == ".yml" || ext == ".yaml" {
		documents = yamlDocument.Split(text, -1)
	}
	var out []locationList
	for _, document := range documents {
		profile := ""
		if m := profileFile.FindStringSubmatch(path.Base(file)); m != nil {
			profile = m[1]
		}
		if m := yamlProfile.FindStringSubmatch(document); m != nil {
			profile = m[1]
		}
		for key := locationsKey.FindStringIndex(document); key != nil; key = locationsKey.FindStringIndex(document) {
			document = document[key[1]:]
			list := locationList{
				file: file, production: hasWord(path.Base(file)+" "+profile, "prod", "production"),
				development: development || hasWord(profile, notProduction...),
			}
			if list.names, document = cutLocations(document); len(list.names) > 0 {
				list.ofProfile = !list.production && list.hasDirOf(profile)
				for i, name := range list.names {
					list.names[i] = strings.Trim(strings.TrimPrefix(mountedDir(text, name), "./"), "/")
				}
				out = append(out, list)
			}
		}
	}
	return out
}

// mountedDir returns the directory of the repository that a compose file mounts at a path, or the path.
func mountedDir(text, name string) string {
	for _, m := range mount.FindAllStringSubmatch(text, -1) {
		if name == m[2] || strings.HasPrefix(name, m[2]+"/") {
			return m[1] + name[len(m[2]):]
		}
	}
	return name
}

// cutLocations returns the locations that a text begins with, and the rest of the text.
func cutLocations(text string) (names []string, rest string) {
	for {
		next := text[len(locationStart.FindString(text)):]
		m := locationName.FindStringSubmatchIndex(next)
		if m == nil || m[2] == 0 && !strings.Contains(next[m[2]:m[3]], "/") {
			return names, text
		}
		names, text = append(names, strings.ReplaceAll(next[m[2]:m[3]], "{vendor}", "postgresql")), next[m[3]:]
	}
}

// joinLocations returns the histories with several locations that the configuration names, with the directories of Flyway's files in them.
func joinLocations(t adapter.Tree, dirs []adapter.Dir) []location {
	var out []location
	lists := keepOneProfile(readFlywaySettings(t).lists, dirs)
	for _, list := range lists {
		overridden := func(o locationList) bool { return o.production && path.Dir(o.file) == path.Dir(list.file) }
		if !list.production && slices.ContainsFunc(lists, overridden) {
			continue
		}
		found := findLocations(list, dirs)
		if len(found) < 2 || slices.ContainsFunc(found, func(dir string) bool { return adapter.DatabaseNamed(dir) != "" }) {
			continue
		}
		index := slices.IndexFunc(out, func(l location) bool {
			return slices.ContainsFunc(l.named, func(dir string) bool { return slices.Contains(found, dir) })
		})
		if index < 0 {
			index, out = len(out), append(out, location{file: list.file})
		}
		out[index].named = append(out[index].named, found...)
	}
	for i := range out {
		out[i].setDirs(dirs)
	}
	var keptLocations []location
	for _, l := range out {
		// A directory has the files of one source.
		mixed := slices.ContainsFunc(dirs, func(d adapter.Dir) bool { return d.Path == l.at && !l.hasDir(d) }) ||
			slices.ContainsFunc(keptLocations, func(other location) bool { return other.at == l.at })
		if !mixed && !haveSeparateHistories(l.dirs) {
			keptLocations = append(keptLocations, l)
		}
	}
	return keptLocations
}

// keepOneProfile leaves out the lists of profiles that share a location with the list of another profile, which has more files: no database
// has the directories of both.
func keepOneProfile(lists []locationList, dirs []adapter.Dir) []locationList {
	type profile struct {
		list  int
		found []string
		files int
	}
	var profiles []profile
	for i, list := range lists {
		if !list.ofProfile {
			continue
		}
		p := profile{list: i, found: findLocations(list, dirs)}
		s := adapter.Source{Locations: p.found}
		for _, d := range dirs {
			if s.Owns(d.Path) {
				p.files += len(d.Names)
			}
		}
		profiles = append(profiles, p)
	}
	slices.SortStableFunc(profiles, func(a, b profile) int { return b.files - a.files })
	left, takenDirs := map[int]bool{}, map[string]bool{}
	for _, p := range profiles {
		if left[p.list] = slices.ContainsFunc(p.found, func(dir string) bool { return takenDirs[dir] }); !left[p.list] {
			for _, dir := range p.found {
				takenDirs[dir] = true
			}
		}
	}
	var out []locationList
	for i, list := range lists {
		if !left[i] {
			out = append(out, list)
		}
	}
	return out
}

// IsConfiguredAside reports whether settings name a directory, or one above it, as a location of development only.
func (Adapter) IsConfiguredAside(t adapter.Tree, dir string) bool {
	d := adapter.ListDir(t, dir, ".sql")
	return configuredLocation(t, d) == "" && slices.ContainsFunc(readFlywaySettings(t).development, func(list locationList) bool {
		return slices.ContainsFunc(findLocations(list, []adapter.Dir{d}), func(location string) bool {
			return dir == location || strings.HasPrefix(dir, location+"/")
		})
	})
}

// configuredLocation returns the settings file that names a directory, or one above it, as a location; "" for none.
func configuredLocation(t adapter.Tree, d adapter.Dir) string {
	if !hasFlywayFiles(d) {
		return ""
	}
	files := adapter.Memoize(t, "flyway configured locations", func() map[string]string {
		out := map[string]string{}
		dirs := slices.DeleteFunc(slices.Clone(adapter.ListDirs(t, ".sql")), func(d adapter.Dir) bool { return !hasFlywayFiles(d) })
		for _, list := range readFlywaySettings(t).lists {
			for _, dir := range findLocations(list, dirs) {
				out[dir] = cmp.Or(out[dir], list.file)
			}
		}
		return out
	})
	for dir := d.Path; dir != ""; dir = parentDir(dir) {
		if files[dir] != "" {
			return files[dir]
		}
	}
	return ""
}

func hasFlywayFiles(d adapter.Dir) bool {
	return slices.ContainsFunc(d.Names, func(n string) bool { return isRunByFlyway(d.Join(n), n) })
}

// setDirs adds the directories of the named locations. Flyway ignores a location inside another one.
func (l *location) setDirs(dirs []adapter.Dir) {
	slices.Sort(l.named)
	l.named = slices.Compact(l.named)
	all := slices.Clone(l.named)
	l.named = slices.DeleteFunc(l.named, func(dir string) bool {
		return slices.ContainsFunc(all, func(other string) bool { return strings.HasPrefix(dir, other+"/") })
	})
	s := adapter.Source{Locations: l.named}
	for _, d := range dirs {
		if s.Owns(d.Path) {
			l.dirs = append(l.dirs, d)
		}
	}
	l.at = l.named[0]
	for _, dir := range l.named[1:] {
		for l.at != "" && dir != l.at && !strings.HasPrefix(dir, l.at+"/") {
			l.at = parentDir(l.at)
		}
	}
}

// parentDir returns the directory that has another one; "" for the root.
func parentDir(dir string) string { return dir[:max(0, strings.LastIndexByte(dir, '/'))] }

// locationsFile returns the file with the setting that names the locations of a source; "" if it has no such locations.
func locationsFile(t adapter.Tree, s adapter.Source) string {
	for _, l := range groupFlywayDirs(t) {
		if len(s.Locations) > 0 && l.at == s.Dir {
			return l.file
		}
	}
	return ""
}

// findLocations returns the directories of a list's locations in the tree: they are the nearest to its file.
func findLocations(list locationList, dirs []adapter.Dir) []string {
	root, _, _ := strings.Cut("/"+path.Dir(list.file)+"/", "/src/")
	var out []string
	for _, name := range list.names {
		if name == "" {
			return nil
		}
		var found []string
		for ancestor := strings.Trim(root, "/."); len(found) == 0; ancestor = parentDir(ancestor) {
			for _, d := range dirs {
				before, _, in := strings.Cut("/"+d.Path+"/", "/"+name+"/")
				dir := strings.TrimPrefix(before+"/"+name, "/")
				if in && (ancestor == "" || strings.HasPrefix(dir, ancestor+"/")) && !slices.Contains(found, dir) {
					found = append(found, dir)
				}
			}
			if ancestor == "" {
				break
			}
		}
		if len(found) > 1 {
			return nil // of several modules
		}
		out = append(out, found...)
	}
	return out
}
