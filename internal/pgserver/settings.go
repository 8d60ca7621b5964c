package pgserver

import (
	"fmt"
	"io/fs"
	"maps"
	"math"
	"path/filepath"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/lazyregexp"
)

// defaultSettings returns settings that make a server fast to start and fast to write, and its behavior the same
// everywhere. None of them changes which locks a statement takes. The hard ones cannot be overridden.
func defaultSettings(major int, sockets, listen string) (soft, hard map[string]string) {
	soft = map[string]string{
		"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off", // a crash may lose everything
		"autovacuum":   "off", // takes locks and changes statistics at any time
		"jit":          "off",
		"max_wal_size": "1GB", "checkpoint_timeout": "1d",
		"bgwriter_lru_maxpages": "0",
		"timezone":              "UTC", "log_timezone": "UTC", "lc_messages": "C",
		"datestyle": "ISO, MDY", "default_text_search_config": "pg_catalog.english",
		"log_line_prefix": "%m [%p] ",
		// Only messages about the server itself are logged; a session gets its own errors anyway.
		"log_min_messages": "log", "log_min_error_statement": "panic",
	}
	if major >= 18 {
		soft["io_method"] = "sync" // saves three worker processes
	}
	hard = map[string]string{
		"listen_addresses": listen, "port": socketPort, "unix_socket_directories": sockets, "unix_socket_permissions": "0700",
		"logging_collector": "off", "log_destination": "stderr",
		// Files in the data directory, so that nothing stays in /dev/shm even if every process is killed.
		"dynamic_shared_memory_type": "mmap",
	}
	return soft, hard
}

var settingName = lazyregexp.New(`^[A-Za-z_][A-Za-z0-9_$]*(\.[A-Za-z_][A-Za-z0-9_$]*)?$`)

// checkSetting refuses names and values that cannot be written into a configuration file unchanged.
func checkSetting(name, value string) error {
	if !settingName.MatchString(name) {
		return fmt.Errorf("setting %q: not the name of a configuration parameter", name)
	}
	if strings.ContainsAny(value, "\n\r\x00") {
		return fmt.Errorf("setting %s: the value %q has a line break or a zero byte", name, value)
	}
	return nil
}

// formatConfigFile returns the content of postgresql.conf.
func formatConfigFile(major int, sockets, listen string, settings map[string]string) (string, error) {
	soft, hard := defaultSettings(major, sockets, listen)
	for _, name := range slices.Sorted(maps.Keys(settings)) {
		lower := strings.ToLower(name)
		if err := checkSetting(name, settings[name]); err != nil {
			return "", err
		}
		if _, fixed := hard[lower]; fixed || lower == "data_directory" || lower == "hba_file" || lower == "external_pid_file" {
			return "", fmt.Errorf("setting %s: cannot be changed on a throwaway server", name)
		}
		soft[lower] = settings[name]
	}
	maps.Copy(soft, hard)
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(soft)) {
		fmt.Fprintf(&b, "%s = '%s'\n", name, strings.NewReplacer(`'`, `''`, `\`, `\\`).Replace(soft[name]))
	}
	return b.String(), nil
}

// Size returns how many bytes the server's private directory takes on its disk, or in memory (see
// [Config.Small]): all databases, and files that no database's size includes, such as WAL, temporary files and
// dynamic shared memory. It is measured from outside, so the server cannot falsify it. It needs no connection,
// and takes some milliseconds. A deleted file that a process holds open does not count. With Config.URL it is 0.
func (s *Server) Size() int64 {
	if s.external != nil {
		return 0
	}
	var sum int64
	// Files that disappear meanwhile do not count; that is no error.
	_ = filepath.WalkDir(s.private.dir, func(_ string, entry fs.DirEntry, err error) error {
		if err != nil {
			return nil //nolint:nilerr // gone meanwhile
		}
		if info, err := entry.Info(); err == nil {
			sum += allocatedBytes(info)
		}
		return nil
	})
	return sum
}

// Room returns how many bytes are free for the server's private directory, and that directory's parent; 0:
// unknown, as with Config.URL.
func (s *Server) Room() (bytes int64, dir string) {
	if s.external != nil {
		return 0, ""
	}
	return int64(min(freeBytes(s.private.dir), math.MaxInt64)), filepath.Dir(s.private.dir)
}

// freeBytes returns how many bytes are free in a directory's file system; 0: unknown.
func freeBytes(dir string) uint64 { return uint64(max(0, Free(dir))) }
