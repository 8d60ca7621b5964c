# Runs the migrations of a directory with Active Record, and prints the statements of each as a line of JSON.
require "json"
gem "activerecord"
require "active_record"

dir, = ARGV
ActiveRecord::Base.establish_connection(adapter: "postgresql", database: ENV.fetch("PGDATABASE"))
ActiveRecord::Migration.verbose = false
running = nil
sent = Hash.new { |all, version| all[version] = [] }
ActiveSupport::Notifications.subscribe("sql.active_record") do |*, event|
  next if running.nil? || %w[SCHEMA CACHE].include?(event[:name])
  next if event[:sql].match?(/\A\s*SELECT|"schema_migrations"|"ar_internal_metadata"/)
  binds = event[:type_casted_binds] || []
  binds = binds.call if binds.respond_to?(:call)
  sent[running] << event[:sql].gsub(/\$(\d+)/) { ActiveRecord::Base.connection.quote(binds[$1.to_i - 1]) }
end
context = ActiveRecord::MigrationContext.new(dir, ActiveRecord::SchemaMigration)
context.migrations.each do |m|
  running = nil
  ActiveRecord::Base.connection.schema_cache.clear!
  running = m.version.to_s
  begin
    context.run(:up, m.version)
  rescue StandardError => e
    sent[running] << "FAILED #{(e.cause || e).message}"
  end
end
puts JSON.generate(sent)
