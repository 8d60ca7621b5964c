package hook

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/onward-sql/onward/config"
	"github.com/onward-sql/onward/internal/lazyregexp"
)

// fileWords matches the programs that change files.
var fileWords = lazyregexp.New(`(?:^|[\s;&|(])(?:mv|cp|ln|rm|unlink|tee|sed|gsed|yq|perl|ruby)\s|onward\.yaml`)

const computedText = "the shell computes what it writes, so it cannot be judged: use the tool that edits files"

// settingsReaders are programs that do not change a file that they are given. Any other is one that may write the settings.
var settingsReaders = strings.Fields("cat bat less more head tail grep egrep fgrep rg ag wc ls ll stat file diff cmp test [ [[ echo printf git onward " +
	"sha256sum md5sum awk jq tree du find realpath readlink basename dirname touch chmod cd yamllint code mv cp ln rm unlink tee sed gsed yq")

// settingsArgument matches an argument that names the settings: onward.yaml, of=onward.yaml, --output=../onward.yaml.
var settingsArgument = lazyregexp.New(`(?:^|[/=@>:])onward\.yaml$|^-\w+onward\.yaml$`)

// recordSettingsWrite records that a program may write the settings, if it is given their name and is not known to only read files.
func (r *scriptReader) recordSettingsWrite(run *invocation, name string) {
	isReader := func(w word) bool { return slices.Contains(settingsReaders, programName(w.text)) }
	switch {
	case run.place != "" || isReader(run.args[0]):
		return
	case slices.Contains(wrappers, name): // of a program that is not known
		if slices.ContainsFunc(run.args[1:], func(w word) bool { return isReader(w) || isKnownProgram(programName(w.text)) }) {
			return
		}
	case isKnownProgram(name) && !isInterpreter(name):
		return
	}
	isOtherName := func(text string) bool { // a link to the settings
		_, err := os.Lstat(joinPath(run.dir, text))
		return err == nil && filepath.Base(resolveEdited(run.dir, text, false)) == config.Name
	}
	for _, w := range run.args[1:] {
		if settingsArgument.MatchString(w.text) || isInterpreter(name) && strings.Contains(w.text, config.Name) || isOtherName(w.text) {
			r.out.writes = append(r.out.writes, write{path: word{config.Name, true}, dir: run.dir})
			return
		}
	}
}

// recordWrites records the files that mv, cp, rm, tee, sed -i and the like change.
func (r *scriptReader) recordWrites(run *invocation) {
	if run.place != "" {
		return
	}
	name, rest := programName(run.args[0].text), run.args[1:]
	if name == "git" && len(rest) > 0 && (rest[0].text == "mv" || rest[0].text == "rm") {
		name, rest = rest[0].text, rest[1:]
	}
	add := func(w write) {
		w.dir = run.dir
		r.out.writes = append(r.out.writes, w)
	}
	switch name {
	case "mv", "cp":
		sources, target := splitTarget(rest)
		for _, s := range sources {
			add(write{path: target, source: &s, intoDir: len(sources) > 1, moves: name == "mv"})
		}
	case "rm", "unlink":
		for _, w := range listOperands(rest) {
			add(write{path: w, removes: true})
		}
	case "tee":
		appends := arguments{all: rest}.hasOption("-a", "--append")
		for _, w := range listOperands(rest) {
			add(write{path: w, content: run.stdin, appends: appends})
		}
	case "ln":
		sources, target := splitTarget(rest)
		for _, s := range sources {
			add(write{path: target, source: &s, intoDir: len(sources) > 1, links: true})
		}
	case "sed", "gsed", "perl", "ruby", "yq":
		for _, w := range listEditedInPlace(name, rest) {
			add(write{path: w, ifThere: true})
		}
	}
}

// listOperands returns the arguments that are no options.
func listOperands(args []word) []word {
	for i, w := range args {
		if w.known && w.text == "--" {
			return append(listOperands(args[:i]), args[i+1:]...)
		}
	}
	return slices.DeleteFunc(slices.Clone(args), func(w word) bool { return strings.HasPrefix(w.text, "-") })
}

// splitTarget returns the sources of mv and cp, and their target.
func splitTarget(args []word) (sources []word, target word) {
	for i, w := range args {
		dir, ok := strings.CutPrefix(w.text, "--target-directory=")
		switch {
		case ok:
			return listOperands(slices.Concat(args[:i], args[i+1:])), word{dir + "/", w.known}
		case w.text == "-t" && i+1 < len(args):
			return listOperands(slices.Concat(args[:i], args[i+2:])), word{args[i+1].text + "/", args[i+1].known}
		}
	}
	list := listOperands(args)
	if len(list) < 2 {
		return nil, word{}
	}
	return list[:len(list)-1], list[len(list)-1]
}

// listEditedInPlace returns the arguments of sed -i and perl -i that may be files; none without -i.
func listEditedInPlace(name string, args []word) (files []word) {
	inPlace, hasScript := false, false
	for i := 0; i < len(args); i++ {
		text := args[i].text
		switch {
		case text == "--in-place" || text == "--inplace" || strings.HasPrefix(text, "--in-place="):
			inPlace = true
		case strings.HasPrefix(text, "--expression") || strings.HasPrefix(text, "--file"):
			hasScript = true
			if !strings.Contains(text, "=") {
				i++
			}
		case strings.HasPrefix(text, "-") && !strings.HasPrefix(text, "--") && len(text) > 1:
			letters, _, _ := strings.Cut(text[1:], ".") // -i.bak
			inPlace = inPlace || strings.Contains(letters, "i")
			if last := letters[max(len(letters)-1, 0):]; last == "e" || last == "E" && name == "perl" || last == "f" && strings.HasSuffix(name, "sed") {
				hasScript = true
				i++
			}
		default:
			files = append(files, args[i])
		}
	}
	switch {
	case !inPlace:
		return nil
	case !hasScript && len(files) > 0:
		return files[1:]
	}
	return files
}

// mostMoved limits the files of a directory that is moved, copied or removed.
const mostMoved = 1000

// listWriteEdits returns the edits of files that a script makes, in its order.
func listWriteEdits(writes []write) (list []fileEdit) {
	// editByPath has the texts of files that the script has written by then: nil for one that it removed.
	editByPath, links := map[string]*fileEdit{}, map[string]string{}
	add := func(f fileEdit) {
		list = append(list, f)
		editByPath[f.path] = &f
	}
	for _, w := range writes {
		if !w.path.known || w.path.text == "" {
			continue // a temporary file, mostly
		}
		path := joinPath(w.dir, w.path.text)
		if linked, ok := links[path]; ok && !w.removes {
			path = linked
		}
		switch {
		case w.links:
			links[path] = joinPath(w.dir, w.source.text)
			if filepath.Base(path) == config.Name {
				f := readCurrentText(links[path], editByPath)
				f.path = path
				add(f)
			}
		case w.removes:
			for _, name := range listCandidateFiles(path, editByPath) {
				add(fileEdit{path: name, deleted: true})
			}
		case w.source != nil:
			for _, f := range listCopyEdits(&w, path, editByPath) {
				add(f)
			}
		case w.ifThere:
			for _, name := range listCandidateFiles(path, editByPath) {
				add(fileEdit{path: name, unknown: computedText})
			}
		case w.content == nil || !w.content.known:
			add(fileEdit{path: path, unknown: computedText})
		case w.appends:
			f := fileEdit{path: path, content: &w.content.text}
			if before := readCurrentText(path, editByPath); before.content != nil {
				text := *before.content + w.content.text
				f.content = &text
			}
			add(f)
		default:
			add(fileEdit{path: path, content: &w.content.text})
		}
	}
	return list
}

// listCopyEdits returns the edits of cp and mv with one source.
func listCopyEdits(w *write, target string, editByPath map[string]*fileEdit) (list []fileEdit) {
	source := joinPath(w.dir, w.source.text)
	if info, err := os.Stat(target); err == nil && info.IsDir() || w.intoDir || strings.HasSuffix(w.path.text, "/") {
		target = filepath.Join(target, filepath.Base(source))
	}
	if !w.source.known {
		return []fileEdit{{path: target, unknown: computedText}}
	}
	if file, err := filepath.EvalSymlinks(source); err == nil && !w.moves {
		source = file
	}
	for _, name := range listCandidateFiles(source, editByPath) {
		f := readCurrentText(name, editByPath)
		relative, err := filepath.Rel(source, name)
		if err != nil {
			continue
		}
		f.path = filepath.Join(target, relative)
		list = append(list, f)
		if w.moves {
			list = append(list, fileEdit{path: name, deleted: true})
		}
	}
	if len(list) == 0 && filepath.Base(target) == config.Name {
		return []fileEdit{{path: target, unknown: computedText}}
	}
	return list
}

// skippedDirs are directories whose files are no migrations of the project.
var skippedDirs = []string{".git", "node_modules", "vendor", "dist", "build", "target", "venv", ".venv", "__pycache__"}

// listCandidateFiles returns a file, or the files of a directory that may be migrations by their names; none if there is nothing.
func listCandidateFiles(path string, editByPath map[string]*fileEdit) (names []string) {
	if f := editByPath[path]; f != nil {
		if f.deleted {
			return nil
		}
		return []string{path}
	}
	_ = filepath.WalkDir(path, func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil || len(names) >= mostMoved:
			return fs.SkipAll
		case entry.IsDir() && slices.Contains(skippedDirs, entry.Name()):
			return fs.SkipDir
		case entry.Type().IsRegular() && (name == path || mayBeMigration(name)):
			names = append(names, name)
		}
		return nil
	})
	return names
}

// readCurrentText returns the text of a file at the script's present place.
func readCurrentText(path string, editByPath map[string]*fileEdit) fileEdit {
	if f := editByPath[path]; f != nil {
		return fileEdit{content: f.content, unknown: f.unknown}
	}
	text, err := readFileIfExists(path)
	if err != nil || text == nil {
		return fileEdit{unknown: computedText}
	}
	return fileEdit{content: text}
}
