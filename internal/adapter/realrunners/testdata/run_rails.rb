# Runs migrations of Active Record. Arguments: for each run, a directory of migrations and a URL. Prints a line for each run.
gem "activerecord"
require "active_record"

ActiveRecord::Migration.verbose = false
ARGV.each_slice(2) do |dir, url|
  ActiveRecord::Base.establish_connection(url.sub("postgres:", "postgresql:"))
  Object.send(:remove_const, :Release) if Object.const_defined?(:Release)
  begin
    ActiveRecord::MigrationContext.new(dir, ActiveRecord::SchemaMigration).up
    puts "ok"
  rescue StandardError => e
    puts "failed: #{(e.cause || e).message.split.join(' ')}"
  end
end
