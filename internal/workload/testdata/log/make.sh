#!/bin/bash
# make.sh BIN OUT: what a server of this version logs of one session.
set -e
B=$1; OUT=$2; D=$(mktemp -d); 
$B/initdb -D $D/data -U postgres -A trust --no-locale -E UTF8 >/dev/null
cat >> $D/data/postgresql.conf <<C
listen_addresses=''
unix_socket_directories='$D'
logging_collector=on
log_directory='log'
log_filename='pg'
log_destination='csvlog,stderr$3'
log_line_prefix='%m [%p] '
shared_preload_libraries='pg_stat_statements,auto_explain'
C
$B/pg_ctl -D $D/data -w start -l $D/start >/dev/null
P="psql -X -q -h $D -U postgres"
$P -c "CREATE DATABASE shop" ; P="$P -d shop"
$P -c "CREATE TABLE users (id bigserial PRIMARY KEY, email text, born date); CREATE EXTENSION pg_stat_statements; CREATE ROLE app LOGIN"
$P -c "GRANT ALL ON ALL TABLES IN SCHEMA public TO app; ALTER ROLE app SET application_name = 'web'" -c "GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO app"
cp $B/../../nothing /dev/null 2>/dev/null || true
W="psql -X -q -h $D -U app -d shop"
export PGAPPNAME=web
PGOPTIONS="" 
$P -c "ALTER DATABASE shop SET log_statement='all'" -c "ALTER DATABASE shop SET auto_explain.log_min_duration=-1"
cat > $D/q.sql <<'Q'
SELECT count(*)
  FROM users WHERE email = 'secret-one@example.org';
SELECT id FROM users WHERE id IN (11111, 22222) AND born > date '1999-09-09' - interval '77 days';
INSERT INTO users (email) VALUES ('secret-two'), ('secret "three", quoted');
SELECT nonsense FROM users WHERE email = 'secret-four';
Q
$W -f $D/q.sql >/dev/null 2>&1 || true
$P -c "ALTER DATABASE shop SET log_statement='none'" -c "ALTER DATABASE shop SET log_min_duration_statement=0" 
cat > $D/b.sql <<'Q'
SELECT email FROM users WHERE id = $1 AND email <> 'secret-five';
Q
$W -f $D/q.sql >/dev/null 2>&1 || true
pgb() { python3 - "$D" <<'PY'
import sys
try:
    import psycopg
except ImportError:
    sys.exit(0)
PY
}
$W -c "SELECT email FROM users WHERE id = \$1 AND email <> 'secret-five' \\bind 7654321 \\g" >/dev/null 2>&1 || true
echo "\\set x 7654321
SELECT email FROM users WHERE id = :x AND email <> 'secret-five';" > $D/bench.sql
$B/pgbench -n -h $D -U app -M prepared -c 1 -t 3 -f $D/bench.sql shop >/dev/null 2>&1 || /usr/lib/postgresql/15/bin/pgbench -n -h $D -U app -M prepared -c 1 -t 3 -f $D/bench.sql shop >/dev/null 2>&1 || true
$P -c "ALTER DATABASE shop SET log_min_duration_statement=-1" -c "ALTER DATABASE shop SET auto_explain.log_min_duration=0" -c "ALTER DATABASE shop SET auto_explain.log_analyze=on"
$W -f $D/q.sql >/dev/null 2>&1 || true
$P -c "ALTER DATABASE shop SET auto_explain.log_format='json'"
$W -f $D/q.sql >/dev/null 2>&1 || true
$P -c "ALTER DATABASE shop SET auto_explain.log_min_duration=-1"
$W -f $D/q.sql >/dev/null 2>&1 || true
$P --csv -c "SELECT * FROM pg_stat_statements" > $OUT/pg_stat_statements.csv
$P -c "SELECT userid::regrole, query, calls, rows, total_exec_time FROM pg_stat_statements WHERE query LIKE '%users%'" > $OUT/pg_stat_statements.txt
sleep 0.3
$B/pg_ctl -D $D/data -m fast stop >/dev/null
cp $D/data/log/pg.csv $OUT/server.csv; cp $D/data/log/pg $OUT/server.log 2>/dev/null || true
cp $D/data/log/pg.json $OUT/server.json 2>/dev/null || true
rm -rf $D
