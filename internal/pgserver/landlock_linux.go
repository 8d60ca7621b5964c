package pgserver

import (
	"debug/elf"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/onward-sql/onward/internal/confine"
)

// mayKeep are the rights on a data directory, which has files and directories. Symbolic links, which only tablespaces need, could
// lead this process's own file operations elsewhere.
const (
	mayKeep = confine.MayRead | confine.MayWrite | unix.LANDLOCK_ACCESS_FS_MAKE_REG | unix.LANDLOCK_ACCESS_FS_MAKE_DIR |
		unix.LANDLOCK_ACCESS_FS_REMOVE_FILE | unix.LANDLOCK_ACCESS_FS_REMOVE_DIR | unix.LANDLOCK_ACCESS_FS_REFER
	mayListen = confine.MayWrite | unix.LANDLOCK_ACCESS_FS_MAKE_REG | unix.LANDLOCK_ACCESS_FS_MAKE_SOCK | unix.LANDLOCK_ACCESS_FS_REMOVE_FILE
)

// restrictFiles denies the calling thread and its children all files but the server's own. gap says what this kernel
// does not support.
func (c command) restrictFiles() (gap string, err error) {
	abi, err := confine.LandlockVersion()
	if err != nil {
		return fmt.Sprintf("this kernel has no Landlock (%v; Linux has it since 5.13): a migration that becomes superuser in the server can read files and start "+
			"programs as %s", err, c.accountName()), nil
	}
	if c.abi != 0 {
		abi = min(abi, c.abi)
	}
	if err := confine.RestrictFiles(abi, confine.HandledRights(min(abi, confine.NewestLandlock)), c.fileRules()); err != nil {
		return "", err
	}
	var unrestricted []string
	if abi < 3 {
		unrestricted = append(unrestricted, "truncate files")
	}
	if abi < 6 {
		unrestricted = append(unrestricted, "send signals to processes")
	}
	if unrestricted != nil {
		gap = fmt.Sprintf("this kernel has version %d of Landlock: a migration that becomes superuser in the server can %s of %s", abi,
			strings.Join(unrestricted, " and "),
			c.accountName())
	}
	return gap, nil
}

// libraries are the directories of shared libraries and their data: nothing there is secret.
var libraries = []string{
	"/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib", "/usr/local/lib64", "/usr/share",
	"/etc/ld.so.cache", "/etc/localtime", "/etc/ssl/openssl.cnf", "/etc/pki/tls/openssl.cnf", "/etc/crypto-policies",
	"/nix/store", "/gnu/store", "/home/linuxbrew/.linuxbrew/lib", "/home/linuxbrew/.linuxbrew/opt", "/home/linuxbrew/.linuxbrew/Cellar",
}

func (c command) fileRules() []confine.Rule {
	rules := []confine.Rule{
		{Path: c.program(), Rights: confine.MayExecute},
		{Path: c.data, Rights: mayKeep},
		{Path: c.sockets, Rights: mayListen},
		{Path: "/dev/null", Rights: confine.MayWrite},
		{Path: "/dev/zero", Rights: confine.MayRead}, {Path: "/dev/urandom", Rights: confine.MayRead}, {Path: "/dev/random", Rights: confine.MayRead},
	}
	read := slices.Clone(libraries)
	root := filepath.Dir(c.install.Bin)
	for _, dir := range []string{"lib", "lib64", "share"} {
		read = append(read, filepath.Join(root, dir))
	}
	if all := filepath.Dir(root); filepath.Base(all) == "postgresql" && filepath.Base(filepath.Dir(all)) == "lib" {
		// Debian's layout: PREFIX/lib/postgresql/17/bin and PREFIX/share/postgresql/17.
		read = append(read, filepath.Join(all, "../../share/postgresql", filepath.Base(root)))
	}
	if c.statisticsSocket() { // it resolves "localhost"
		read = append(read, "/etc/hosts", "/etc/host.conf", "/etc/nsswitch.conf")
	}
	loader, libraryDirs := readDynamicLinks(c.program())
	if loader != "" {
		rules = append(rules, confine.Rule{Path: loader, Rights: confine.MayExecute})
	}
	for _, path := range append(read, libraryDirs...) {
		rules = append(rules, confine.Rule{Path: path, Rights: confine.MayRead})
	}
	return rules
}

// readDynamicLinks returns the dynamic loader of a program, and the directories in which it searches for libraries.
func readDynamicLinks(program string) (loader string, dirs []string) {
	f, err := elf.Open(program)
	if err != nil {
		return "", nil
	}
	defer f.Close()
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP && p.Filesz < 4096 {
			name := make([]byte, p.Filesz)
			if _, err := p.ReadAt(name, 0); err == nil {
				loader = strings.TrimRight(string(name), "\x00")
			}
		}
	}
	for _, tag := range []elf.DynTag{elf.DT_RUNPATH, elf.DT_RPATH} {
		lists, _ := f.DynString(tag)
		for _, list := range lists {
			for _, dir := range filepath.SplitList(list) {
				dir = filepath.Clean(strings.NewReplacer("${ORIGIN}", filepath.Dir(program), "$ORIGIN", filepath.Dir(program)).Replace(dir))
				if filepath.IsAbs(dir) && dir != "/" {
					dirs = append(dirs, dir)
				}
			}
		}
	}
	return loader, dirs
}
