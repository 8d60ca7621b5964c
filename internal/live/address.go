package live

import (
	"cmp"
	"net"
	"strconv"

	"github.com/jackc/pgx/v5"
)

// FormatHostPortDatabase returns the server and the database of an address as HOST:PORT/NAME, without the user and the password. It
// returns "" for an invalid address.
func FormatHostPortDatabase(url string) string {
	cfg, err := pgx.ParseConfig(url)
	if err != nil {
		return ""
	}
	return hostPort(cfg) + "/" + cmp.Or(cfg.Database, cfg.User)
}

func hostPort(cfg *pgx.ConnConfig) string {
	return net.JoinHostPort(cmp.Or(cfg.Host, "localhost"), strconv.Itoa(int(cfg.Port)))
}
