package pgserver

import (
	"fmt"
	"maps"
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
