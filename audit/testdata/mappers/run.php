<?php
// Runs each case of the first argument on a new table, and prints the errors of the statements that Eloquent sends after it.
error_reporting(E_ALL & ~E_DEPRECATED);
require '/usr/share/php/Illuminate/Database/autoload.php';
require __DIR__ . '/person.php';

use App\Models\Person;
use Illuminate\Database\Capsule\Manager;

$capsule = new Manager();
$capsule->addConnection([
    'driver' => 'pgsql', 'host' => getenv('PGHOST'), 'port' => getenv('PGPORT'), 'database' => getenv('PGDATABASE'),
    'username' => getenv('PGUSER'), 'password' => getenv('PGPASSWORD'), 'charset' => 'utf8', 'prefix' => '', 'search_path' => 'public',
]);
$capsule->setAsGlobal();
$capsule->bootEloquent();
[$schema, $cases] = json_decode($argv[1]);
$errors = [];
foreach ($cases as [$name, $sql]) {
    $other = new PDO('pgsql:');
    $other->setAttribute(PDO::ATTR_ERRMODE, PDO::ERRMODE_EXCEPTION);
    $other->exec($schema);
    $other->exec($sql);
    $other = null;
    $errors[$name] = '';
    try {
        Person::create(['nick' => 'a']);
        $person = Person::with('children')->firstOrFail();
        $person->nick = 'b';
        $person->save();
    } catch (Exception $e) {
        $errors[$name] = $e->getMessage();
    }
}
echo json_encode($errors);
