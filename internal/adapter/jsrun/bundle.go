package jsrun

import (
	"errors"
	"path"
	"strings"
	"sync"

	"github.com/evanw/esbuild/pkg/api"

	"github.com/onward-sql/onward/internal/lazyregexp"
)

// Bounds of a bundle.
const (
	mostModules = 1000
	mostBytes   = 16 << 20
)

// fileReader returns the first of some files of the revision that exists, and its text. name is "" if there is none.
type fileReader func(candidates ...string) (name, text string)

// endings are tried after the name in an import, in this order.
var endings = []string{
	"", ".ts", ".tsx", ".js", ".jsx", ".mjs", ".cjs", ".mts", ".cts", ".json",
	"/index.ts", "/index.tsx", "/index.js", "/index.mjs", "/index.cjs",
	"/index.json",
}

// listCandidates returns the files that an import of a name may mean.
func listCandidates(name string) []string {
	var out []string
	for _, e := range endings {
		out = append(out, name+e)
	}
	for from, to := range map[string][]string{".js": {".ts", ".tsx"}, ".mjs": {".mts"}, ".cjs": {".cts"}} {
		if base, ok := strings.CutSuffix(name, from); ok {
			for _, e := range to {
				out = append(out, base+e)
			}
		}
	}
	return out
}

// loaders are esbuild's kinds of files.
var loaders = map[string]api.Loader{
	".ts": api.LoaderTS, ".mts": api.LoaderTS, ".cts": api.LoaderTS, ".tsx": api.LoaderTSX,
	".js": api.LoaderJSX, ".mjs": api.LoaderJS,
	".cjs": api.LoaderJS, ".jsx": api.LoaderJSX, ".json": api.LoaderJSON, ".sql": api.LoaderText, ".txt": api.LoaderText,
}

// bundleProgram returns a migration with all that it imports from the revision as one script that sets
// module.exports. The files come from read only. Packages are stubs.
func bundleProgram(entry string, read fileReader) (string, error) {
	b := &bundler{read: read, texts: map[string]string{}}
	result := api.Build(api.BuildOptions{
		EntryPoints: []string{entry}, Bundle: true, Write: false,
		Format: api.FormatCommonJS, Platform: api.PlatformNeutral, Target: api.ES2017,
		AbsWorkingDir: "/", Outfile: "/out.js", Sourcemap: api.SourceMapInline, SourcesContent: api.SourcesContentExclude,
		TsconfigRaw: `{"compilerOptions": {"experimentalDecorators": true}}`,
		LogLevel:    api.LogLevelSilent, LogLimit: 1, TreeShaking: api.TreeShakingTrue,
		Supported: map[string]bool{"object-rest-spread": true},
		Define: map[string]string{
			"import.meta.url": "__onward_url", "import.meta.dirname": "__dirname", "import.meta.filename": "__filename",
		},
		Plugins: []api.Plugin{{Name: "revision", Setup: b.registerResolvers}},
	})
	switch {
	case len(result.Errors) > 0:
		return "", errors.New(result.Errors[0].Text)
	case len(result.OutputFiles) != 1:
		return "", errors.New("the bundler made no file")
	}
	return string(result.OutputFiles[0].Contents), nil
}

// bundler resolves and loads the files of one bundle. esbuild asks concurrently; read waits for its turn.
type bundler struct {
	read  fileReader
	texts map[string]string
	bytes int
}

// namesItself matches a program that asks for its own place.
var namesItself = lazyregexp.New(`\b__dirname\b|\b__filename\b|\bimport\.meta\b`)

// revision and stubs are the namespaces of files and of packages. esbuild reads no file of a namespace by itself.
const revision, stubs = "revision", "stub"

// noDirectory is where esbuild looks for the files of an import whose name is computed: it does not ask the plugin then.
// No directory has the name.
const noDirectory = "/dev/null/none"

// computedImport matches the beginning of such an import.
var computedImport = lazyregexp.New("(^|[^.\\w$])(require|import)(\\(\\s*(?:`[^`]*\\$\\{|(?:'[^']*'|\"[^\"]*\")\\s*\\+))")

func (b *bundler) registerResolvers(build api.PluginBuild) {
	var lock sync.Mutex
	build.OnResolve(api.OnResolveOptions{Filter: ".*"}, func(a api.OnResolveArgs) (api.OnResolveResult, error) {
		lock.Lock()
		defer lock.Unlock()
		return b.resolveImport(a)
	})
	build.OnLoad(api.OnLoadOptions{Filter: ".*", Namespace: stubs}, func(a api.OnLoadArgs) (api.OnLoadResult, error) {
		text := "module.exports = __onward_stub(" + quoteText(a.Path) + ")"
		return api.OnLoadResult{Contents: &text, Loader: api.LoaderJS, ResolveDir: noDirectory}, nil
	})
	build.OnLoad(api.OnLoadOptions{Filter: ".*", Namespace: revision}, func(a api.OnLoadArgs) (api.OnLoadResult, error) {
		lock.Lock()
		defer lock.Unlock()
		text := b.texts[a.Path]
		loader, known := loaders[path.Ext(a.Path)]
		if !known {
			loader = api.LoaderText
		}
		if loader != api.LoaderJSON && loader != api.LoaderText {
			if namesItself.MatchString(text) {
				text = declareFileNames(a.Path, text)
			}
			if computedImport.MatchString(text) {
				text = computedImport.ReplaceAllString(text, "${1}__onward_$2$3")
			}
		}
		return api.OnLoadResult{Contents: &text, Loader: loader, ResolveDir: noDirectory}, nil
	})
}

// declaresName matches a program that declares such a name itself.
var declaresName = lazyregexp.New(`\b(?:const|let|var)\s+(__dirname|__filename)\b`)

// declareFileNames puts the place of a file before its text, on the first line, so that the lines of positions stay.
func declareFileNames(name, text string) string {
	before := "var __onward_url=" + quoteText("file:///"+name) + ";"
	declared := ""
	for _, m := range declaresName.FindAllStringSubmatch(text, -1) {
		declared += m[1]
	}
	if !strings.Contains(declared, "__dirname") {
		before += "var __dirname=" + quoteText(path.Dir("/"+name)) + ";"
	}
	if !strings.Contains(declared, "__filename") {
		before += "var __filename=" + quoteText("/"+name) + ";"
	}
	return before + text
}

// resolveImport finds the file that an import means. Everything that is no file of the revision is a stub.
func (b *bundler) resolveImport(a api.OnResolveArgs) (api.OnResolveResult, error) {
	target := ""
	switch {
	case a.Kind == api.ResolveEntryPoint:
		target = strings.TrimPrefix(a.Path, "/")
	case strings.HasPrefix(a.Path, "./"), strings.HasPrefix(a.Path, "../"), a.Path == ".", a.Path == "..":
		target = path.Join(path.Dir(a.Importer), a.Path)
	}
	if target == "" || strings.HasPrefix(target, "..") || strings.Contains("/"+target+"/", "/node_modules/") {
		return api.OnResolveResult{Path: a.Path, Namespace: stubs}, nil
	}
	name, text := b.read(listCandidates(target)...)
	if name == "" {
		if a.Kind == api.ResolveEntryPoint {
			return api.OnResolveResult{}, errors.New("the file is not in the revision")
		}
		return api.OnResolveResult{Path: a.Path, Namespace: stubs}, nil
	}
	if _, loaded := b.texts[name]; !loaded {
		b.texts[name] = text
		if b.bytes += len(text); len(b.texts) > mostModules || b.bytes > mostBytes {
			return api.OnResolveResult{}, errors.New("it imports too many files")
		}
	}
	return api.OnResolveResult{Path: name, Namespace: revision, SideEffects: api.SideEffectsFalse}, nil
}
