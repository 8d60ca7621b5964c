package sandbox

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/onward-sql/onward/internal/lazyregexp"
)

// systemDirs have programs, libraries and their data, and no secrets. /etc is not among them.
var systemDirs = []string{
	"/bin", "/sbin", "/lib", "/lib32", "/lib64", "/usr", "/opt", "/snap", "/sys", "/proc", "/nix/store", "/gnu/store", "/run/current-system",
	"/home/linuxbrew/.linuxbrew", "/var/lib/gems", "/var/cache/fontconfig", "/etc/alternatives",
}

// homeDirs are directories of installed programs and packages below a home directory. What tools keep beside them, such as logins, is not
// in the list.
var homeDirs = []string{
	".asdf/installs", ".asdf/plugins", ".asdf/shims", ".asdf/bin", ".asdf/lib", ".asdf/asdf.sh", ".asdf/libexec", ".bun/bin", ".bun/install",
	".bundle/cache", ".cache/composer", ".cache/deno", ".cache/node", ".cache/pnpm", ".cache/pypoetry/virtualenvs", ".cache/rebar3", ".cache/uv",
	".cargo/bin", ".cargo/git", ".cargo/registry", ".composer/vendor", ".config/composer/vendor", ".deno/bin",
	".dotnet/dotnet", ".dotnet/host", ".dotnet/sdk", ".dotnet/shared", ".dotnet/packs", ".dotnet/sdk-manifests", ".dotnet/store", ".dotnet/templates",
	".dotnet/tools", ".elan", ".fnm", ".gem/ruby", ".gem/jruby", ".gem/truffleruby", ".gradle/caches", ".gradle/wrapper", ".hex/packages",
	".local/bin", ".local/lib", ".local/pipx/venvs", ".local/share/fnm", ".local/share/gem/ruby", ".local/share/mise/installs",
	".local/share/mise/shims", ".local/share/pipx/venvs", ".local/share/pipx/shared", ".local/share/pnpm", ".local/share/pypoetry/venv",
	".local/share/pypoetry/python", ".local/share/rtx/installs", ".local/share/rtx/shims", ".local/share/uv/python", ".local/share/uv/tools",
	".local/share/virtualenvs", ".local/state/fnm_multishells", ".m2/repository", ".m2/wrapper", ".mix/archives", ".mix/elixir", ".mix/escripts",
	".nodenv", ".npm/_npx", ".npm-global", ".nuget/packages", ".nvm/versions", ".nvm/alias", ".phpbrew/php", ".phpenv", ".pyenv", ".rbenv",
	".rustup/toolchains", ".rustup/settings.toml", ".rvm/rubies", ".rvm/gems", ".rvm/bin", ".sdkman/candidates", ".volta/bin", ".volta/tools", ".volta/log",
	".yarn/berry", ".yarn/bin", "go/bin", "go/pkg/mod", "miniconda3", "anaconda3", "miniforge3", "sdk",
}

// prefixParts are the directories of an installation: what lies beside its bin.
var prefixParts = []string{
	"bin", "sbin", "lib", "lib32", "lib64", "libexec", "include", "share", "ssl", "pyvenv.cfg", "conda-meta", "jre", "jmods", "conf", "legal", "release",
	"src", "pkg", "VERSION", "go.env", "releases", "usr",
}

// programVariables name directories with programs or packages.
var programVariables = []string{
	"VIRTUAL_ENV", "CONDA_PREFIX", "PYENV_ROOT", "PYTHONHOME", "PYTHONPATH", "LD_LIBRARY_PATH", "GEM_HOME", "GEM_PATH", "BUNDLE_PATH", "RBENV_ROOT",
	"NODE_PATH", "NVM_DIR", "JAVA_HOME", "MIX_HOME", "HEX_HOME", "ASDF_DIR", "ASDF_DATA_DIR", "DOTNET_ROOT", "GOMODCACHE", "GOCACHE", "RUSTUP_HOME",
}

// listPrograms returns the files and directories of installed programs and packages: the system's, the home directory's, and those that the
// variables of env, the program itself and packages name. Of the home directory and of packages, files that may have passwords are left out.
// parts are directories of which some files are left out: their names may be listed. repository is no place for programs, and its paths
// give no right.
func listPrograms(program string, env, packages []string, repository string) (out, parts []string) {
	home, _ := os.UserHomeDir()
	private := []string{home, filepath.Join(home, ".local"), filepath.Join(home, ".config"), "/tmp", os.TempDir(), repository}
	out = slices.Clone(systemDirs)
	addInstalled := func(path string) {
		list := listPathsWithoutPasswords(path)
		out = append(out, list...)
		if len(list) > 1 {
			parts = append(parts, path)
		}
	}
	add := func(path string) {
		if filepath.IsAbs(path) && !isAboveAny(path, private) && !isBelowAny(path, systemDirs) && (repository == "" || !isBelow(path, repository)) {
			addInstalled(path)
		}
	}
	addProgramDir := func(dir string) {
		switch {
		case !filepath.IsAbs(dir) || repository != "" && isBelow(dir, repository) || isBelowAny(dir, systemDirs):
		case installPrefix(dir) == "":
			out, parts = append(out, listProgramFiles(dir)...), append(parts, dir)
		default:
			add(dir)
			if prefix := installPrefix(dir); !isAboveAny(prefix, private) {
				for _, part := range prefixParts {
					add(filepath.Join(prefix, part))
				}
			}
			add(Virtualenv(filepath.Dir(dir)))
		}
	}
	if home != "" {
		for _, dir := range homeDirs {
			add(filepath.Join(home, dir))
		}
	}
	for _, entry := range env {
		name, value, _ := strings.Cut(entry, "=")
		switch {
		case name == "PATH":
			for _, dir := range filepath.SplitList(value) {
				addProgramDir(dir)
			}
		case slices.Contains(programVariables, name):
			for _, dir := range filepath.SplitList(value) {
				add(dir)
			}
		}
	}
	if repository == "" || !isBelow(program, repository) {
		for _, file := range followLinks(program) {
			addProgramDir(filepath.Dir(file))
		}
	}
	for _, dir := range packages {
		if !isAboveAny(dir, private) {
			addInstalled(dir)
		}
	}
	return out, parts
}

// sharedMemory is where the C library has POSIX shared memory and semaphores. Others put temporary files there.
const sharedMemory = "/dev/shm"

// IsSystemPath reports whether a path lies in a directory of the system that every command may read.
func IsSystemPath(path string) bool {
	return isBelowAny(path, systemDirs) || isBelow(path, "/dev") && !isBelow(path, sharedMemory)
}

func isBelowAny(path string, dirs []string) bool {
	return slices.ContainsFunc(dirs, func(dir string) bool { return isBelow(path, dir) })
}

// listProgramFiles returns the files of a directory in which programs lie beside other things.
func listProgramFiles(dir string) (out []string) {
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) > maxInstalled {
		return nil
	}
	for _, e := range entries {
		if !e.IsDir() && !IsCredential(e.Name()) {
			out = append(out, filepath.Join(dir, e.Name()))
		}
	}
	return out
}

// credentialName matches the names of files with passwords, keys or tokens.
var credentialName = lazyregexp.New(`(?i)^(?:credentials.*|\.?env(?:\..*)?|.*\.env|\.?npmrc|\.yarnrc(?:\.ya?ml)?|\.?condarc|\.?netrc|_netrc|\.?pypirc|pip\.(?:conf|ini)|` +
	`settings(?:-security)?\.xml|nuget\.config|gradle\.properties|auth\.(?:json|toml)|hex\.config|\.pgpass|pgpass\.conf|\.my\.cnf|id_(?:rsa|dsa|ecdsa|ed25519).*|` +
	`.*\.(?:pem|pfx|p12|jks|keystore|key|kdbx|ppk|asc|gpg))$`)

// publicNames are files with certificates that everybody has.
var publicNames = []string{"cacert.pem", "cert.pem", "certs.pem", "ca-bundle.pem", "roots.pem", "tls-ca-bundle.pem"}

// IsCredential reports whether a file probably has a password, a key or a token, by its name.
func IsCredential(name string) bool {
	return credentialName.MatchString(name) && !slices.Contains(publicNames, strings.ToLower(name))
}

// packageStores are directories in which package managers keep what was published. All of it may be read.
var packageStores = []string{
	"node_modules", "site-packages", "dist-packages", "gems", "mod", "repository", "registry", "packages", "_npx", "shared", "specifications",
	"test", "tests", "testdata", "doc", "docs", "man",
}

// maxInstalled bounds the entries of a directory of programs that are looked at. The rest cannot be read.
const maxInstalled = 200_000

// listPathsWithoutPasswords returns a directory of programs, or the parts of it without passwords, as far as names show. The result is kept
// for the life of the process: a command may start for each migration.
func listPathsWithoutPasswords(path string) []string {
	if list, ok := pathsWithoutPasswords.Load(path); ok {
		return list.([]string)
	}
	list := searchPathsWithoutPasswords(path)
	pathsWithoutPasswords.Store(path, list)
	return list
}

// pathsWithoutPasswords has the results of listPathsWithoutPasswords by their directories.
var pathsWithoutPasswords sync.Map

func searchPathsWithoutPasswords(path string) []string {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return nil
	case !info.IsDir():
		if IsCredential(filepath.Base(path)) {
			return nil
		}
		return []string{path}
	}
	left := maxInstalled
	out, _ := listWithoutCredentials(path, &left)
	return out
}

// listWithoutCredentials returns the parts of a directory without credentials; all is set if that is the directory itself.
func listWithoutCredentials(dir string, left *int) (out []string, all bool) {
	if slices.Contains(packageStores, filepath.Base(dir)) {
		return []string{dir}, true
	}
	entries, err := os.ReadDir(dir)
	if *left -= len(entries); err != nil || *left < 0 {
		return nil, false
	}
	all = true
	for _, e := range entries {
		p := filepath.Join(dir, e.Name())
		switch {
		case e.Name() == ".git": // its settings may have a token
			all = false
		case e.IsDir():
			list, whole := listWithoutCredentials(p, left)
			out, all = append(out, list...), all && whole
		case IsCredential(e.Name()):
			all = false
		case e.Type()&os.ModeSymlink == 0: // where a link leads has a right of its own
			out = append(out, p)
		}
	}
	if all {
		return []string{dir}, true
	}
	return out, false
}

// installPrefix returns the directory in which a directory of programs was installed: /opt/node of /opt/node/bin; "" if it is not known.
func installPrefix(dir string) string {
	switch filepath.Base(dir) {
	case "bin", "sbin", "shims":
		return filepath.Dir(dir)
	}
	return ""
}

// followLinks returns a file and the files to which it links, one after the other.
func followLinks(file string) []string {
	var out []string
	for range 10 {
		out = append(out, file)
		to, err := os.Readlink(file)
		if err != nil {
			break
		}
		if !filepath.IsAbs(to) {
			to = filepath.Join(filepath.Dir(file), to)
		}
		file = to
	}
	if real, err := filepath.EvalSymlinks(file); err == nil {
		out = append(out, real)
	}
	return out
}

// isAboveAny reports whether a directory is one of dirs, or above one.
func isAboveAny(dir string, dirs []string) bool {
	return slices.ContainsFunc(dirs, func(o string) bool { return o != "" && isBelow(o, dir) })
}

// isBelow reports whether a path is a directory, or below it.
func isBelow(path, dir string) bool {
	rel, err := filepath.Rel(dir, path)
	return err == nil && rel != ".." && !strings.HasPrefix(rel, "../")
}

// Virtualenv returns the installation of the interpreter that a virtual environment links to; "" if the directory is none.
func Virtualenv(dir string) string {
	real, err := filepath.EvalSymlinks(filepath.Join(dir, "bin", "python"))
	if err != nil {
		return ""
	}
	return installPrefix(filepath.Dir(real))
}
