BEGIN TRANSACTION;
CREATE TABLE aiomodelarts_ledger (
	version INTEGER NOT NULL
);
INSERT INTO "aiomodelarts_ledger" VALUES(2);
CREATE TABLE events (
	id INTEGER NOT NULL, 
	sweep_id INTEGER NOT NULL, 
	number INTEGER NOT NULL, 
	attempt INTEGER NOT NULL, 
	at FLOAT NOT NULL, 
	state VARCHAR(20) NOT NULL, 
	why TEXT NOT NULL, 
	token INTEGER NOT NULL, 
	detail TEXT, 
	PRIMARY KEY (id)
);
INSERT INTO "events" VALUES(1,1,1,1,1.79585923396601462365e+09,'reserved','reserved',1,NULL);
INSERT INTO "events" VALUES(2,1,1,1,1.79585923396961188317e+09,'creating','creating',1,NULL);
INSERT INTO "events" VALUES(3,1,1,1,1.79585923397243976597e+09,'running','running',1,NULL);
INSERT INTO "events" VALUES(4,1,1,1,1.79585923397501969335e+09,'succeeded','succeeded',1,NULL);
INSERT INTO "events" VALUES(5,1,2,1,1.79585923397685456271e+09,'reserved','reserved',1,NULL);
INSERT INTO "events" VALUES(6,1,2,1,1.79585923397879624373e+09,'creating','creating',1,NULL);
INSERT INTO "events" VALUES(7,1,2,1,1.7958592339807720184e+09,'running','running',1,NULL);
INSERT INTO "events" VALUES(8,1,2,1,1.79585923398245048522e+09,'failed','exit code 1; its log ends: ValueError: naïve',1,NULL);
INSERT INTO "events" VALUES(9,1,3,1,1.79585923398411345481e+09,'reserved','reserved',1,NULL);
INSERT INTO "events" VALUES(10,1,3,1,1.79585923398603630068e+09,'creating','creating',1,NULL);
INSERT INTO "events" VALUES(11,1,3,1,1.79585923398784470554e+09,'running','running',1,NULL);
INSERT INTO "events" VALUES(12,1,3,1,1.79585923398964166638e+09,'no metric','no log line matches ''accuracy=([0-9.]+)''',1,NULL);
INSERT INTO "events" VALUES(13,1,4,1,1.79585923399140787127e+09,'reserved','reserved',1,NULL);
INSERT INTO "events" VALUES(14,1,4,1,1.79585923399323034279e+09,'creating','creating',1,NULL);
INSERT INTO "events" VALUES(15,1,4,1,1.79585923399504208564e+09,'running','running',1,NULL);
INSERT INTO "events" VALUES(16,1,5,1,1.79585923399668240547e+09,'reserved','reserved',1,NULL);
INSERT INTO "events" VALUES(17,1,5,1,1.79585923399863719943e+09,'creating','creating',1,NULL);
INSERT INTO "events" VALUES(18,1,6,1,1.79585923400039505952e+09,'reserved','reserved',1,NULL);
INSERT INTO "events" VALUES(19,1,6,1,1.79585923400224947927e+09,'creating','creating',1,NULL);
INSERT INTO "events" VALUES(20,1,7,1,1795859234.00401,'reserved','reserved',1,NULL);
INSERT INTO "events" VALUES(21,1,7,1,1.79585923400588393216e+09,'creating','creating',1,NULL);
INSERT INTO "events" VALUES(22,1,7,1,1.79585923400777959825e+09,'refused','request: not now (status 400)',1,NULL);
INSERT INTO "events" VALUES(23,1,8,1,1.79585923401002573972e+09,'reserved','reserved',1,NULL);
CREATE TABLE leases (
	sweep_id INTEGER NOT NULL, 
	token INTEGER NOT NULL, 
	place TEXT NOT NULL, 
	process TEXT NOT NULL, 
	beats INTEGER NOT NULL, 
	ended TEXT, 
	PRIMARY KEY (sweep_id, token)
);
INSERT INTO "leases" VALUES(1,1,'nowhere','1 1',0,NULL);
CREATE TABLE measures (
	id INTEGER NOT NULL, 
	sweep_id INTEGER NOT NULL, 
	number INTEGER NOT NULL, 
	attempt INTEGER NOT NULL, 
	step INTEGER NOT NULL, 
	value FLOAT NOT NULL, 
	marks TEXT, 
	PRIMARY KEY (id)
);
INSERT INTO "measures" VALUES(1,1,4,1,0,0.0,NULL);
INSERT INTO "measures" VALUES(2,1,4,1,1,0.125,NULL);
INSERT INTO "measures" VALUES(3,1,4,1,2,0.25,'{"rung":2}');
CREATE TABLE observations (
	sweep_id INTEGER NOT NULL, 
	position INTEGER NOT NULL, 
	source TEXT NOT NULL, 
	point TEXT NOT NULL, 
	objectives TEXT NOT NULL, 
	PRIMARY KEY (sweep_id, position)
);
CREATE TABLE sweeps (
	id INTEGER NOT NULL, 
	name VARCHAR(200) NOT NULL, 
	settings TEXT NOT NULL, 
	job_id INTEGER, 
	first_version_id INTEGER, 
	reserved INTEGER NOT NULL, 
	base INTEGER NOT NULL, 
	token INTEGER NOT NULL, 
	held_ms INTEGER DEFAULT 0 NOT NULL, 
	held_micros INTEGER DEFAULT 0 NOT NULL, 
	spent_ms INTEGER DEFAULT 0 NOT NULL, 
	spent_micros INTEGER DEFAULT 0 NOT NULL, 
	stop_upto INTEGER, 
	stop_how VARCHAR(10), 
	PRIMARY KEY (id), 
	CONSTRAINT sweeps_name UNIQUE (name)
);
INSERT INTO "sweeps" VALUES(1,'kept','{"[estimator] boot_file":"/bucket/src/train.py","[estimator] code_dir":"/bucket/src/","[estimator] framework_type":"PyTorch","[estimator] framework_version":"PyTorch-1.0.0-python3.6","[estimator] hyperparameters":{"epochs":3},"[estimator] inputs":"/bucket/data/","[estimator] output_path":"/bucket/out/","[estimator] train_instance_count":1,"[estimator] train_instance_type":"modelarts.vm.cpu.2u","[objective] goal":"maximize","[objective] log_pattern":"accuracy=([0-9.]+)","[search] algorithm":"random","[search] seed":7,"[space] activation":{"kind":"choice","values":["relu","tanh"]},"[space] layers":{"high":4,"kind":"int","low":1,"step":1},"[space] lr":{"high":0.1,"kind":"float","log":true,"low":0.0001}}',7,101,8,0,1,0,0,0,0,NULL,NULL);
CREATE TABLE trials (
	sweep_id INTEGER NOT NULL, 
	number INTEGER NOT NULL, 
	attempt INTEGER NOT NULL, 
	point TEXT NOT NULL, 
	output_path TEXT NOT NULL, 
	state VARCHAR(20) NOT NULL, 
	intent TEXT, 
	job_id INTEGER, 
	version_id INTEGER, 
	value FLOAT, 
	failure VARCHAR(20), 
	reason TEXT, 
	began_at FLOAT, 
	duration_s FLOAT, 
	holder INTEGER, 
	held_ms INTEGER DEFAULT 0 NOT NULL, 
	held_micros INTEGER DEFAULT 0 NOT NULL, 
	spent_ms INTEGER DEFAULT 0 NOT NULL, 
	spent_micros INTEGER DEFAULT 0 NOT NULL, 
	tries TEXT, 
	flavor TEXT, 
	ending VARCHAR(20), 
	last_value FLOAT, 
	last_step INTEGER, 
	objectives TEXT, 
	PRIMARY KEY (sweep_id, number)
);
INSERT INTO "trials" VALUES(1,1,1,'{"lr": 0.0015292218307844158, "layers": 2, "activation": "tanh"}','/bucket/out/kept/0001/','succeeded','{"create":{"after_version_id":0,"spec":{"config":{"data_url":"/bucket/data/","engine_id":1,"parameter":[{"label":"epochs","value":"3"},{"label":"lr","value":"0.0015292218307844158"},{"label":"layers","value":"2"},{"label":"activation","value":"tanh"}],"spec_id":1,"train_url":"/bucket/out/kept/0001/","worker_server_num":1},"intent_id":null,"job_desc":null,"job_id":null,"job_name":"kept-job","own_path":true,"settings":{"engine_id":1,"spec_id":1,"worker_server_num":1}}},"stamp":null}',7,101,0.75,NULL,NULL,1700000001.0,12.5,1,0,0,0,0,NULL,'modelarts.vm.cpu.2u',NULL,0.5,3,NULL);
INSERT INTO "trials" VALUES(1,2,1,'{"lr": 0.029095302440972057, "layers": 1, "activation": "relu"}','/bucket/out/kept/0002/','failed','{"create":{"after_version_id":0,"spec":{"config":{"data_url":"/bucket/data/","engine_id":1,"parameter":[{"label":"epochs","value":"3"},{"label":"lr","value":"0.029095302440972057"},{"label":"layers","value":"1"},{"label":"activation","value":"relu"}],"pre_version_id":101,"spec_id":1,"train_url":"/bucket/out/kept/0002/","worker_server_num":1},"intent_id":null,"job_desc":null,"job_id":7,"job_name":null,"own_path":true,"settings":{"engine_id":1,"spec_id":1,"worker_server_num":1}}},"stamp":null}',7,102,NULL,'code','exit code 1; its log ends: ValueError: naïve',1700000002.0,12.5,1,0,0,0,0,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "trials" VALUES(1,3,1,'{"lr": 0.005602269767860871, "layers": 3, "activation": "relu"}','/bucket/out/kept/0003/','no metric','{"create":{"after_version_id":0,"spec":{"config":{"data_url":"/bucket/data/","engine_id":1,"parameter":[{"label":"epochs","value":"3"},{"label":"lr","value":"0.005602269767860871"},{"label":"layers","value":"3"},{"label":"activation","value":"relu"}],"pre_version_id":101,"spec_id":1,"train_url":"/bucket/out/kept/0003/","worker_server_num":1},"intent_id":null,"job_desc":null,"job_id":7,"job_name":null,"own_path":true,"settings":{"engine_id":1,"spec_id":1,"worker_server_num":1}}},"stamp":null}',7,103,NULL,NULL,'no log line matches ''accuracy=([0-9.]+)''',1700000003.0,12.5,1,0,0,0,0,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "trials" VALUES(1,4,1,'{"lr": 0.00018106799853314347, "layers": 1, "activation": "relu"}','/bucket/out/kept/0004/','running','{"create":{"after_version_id":0,"spec":{"config":{"data_url":"/bucket/data/","engine_id":1,"parameter":[{"label":"epochs","value":"3"},{"label":"lr","value":"0.00018106799853314347"},{"label":"layers","value":"1"},{"label":"activation","value":"relu"}],"pre_version_id":101,"spec_id":1,"train_url":"/bucket/out/kept/0004/","worker_server_num":1},"intent_id":null,"job_desc":null,"job_id":7,"job_name":null,"own_path":true,"settings":{"engine_id":1,"spec_id":1,"worker_server_num":1}}},"stamp":null}',7,104,NULL,NULL,NULL,1700000004.0,NULL,1,0,0,0,0,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "trials" VALUES(1,5,1,'{"lr": 0.0005272165081467344, "layers": 1, "activation": "tanh"}','/bucket/out/kept/0005/','creating','{"create":{"after_version_id":0,"spec":{"config":{"data_url":"/bucket/data/","engine_id":1,"parameter":[{"label":"epochs","value":"3"},{"label":"lr","value":"0.0005272165081467344"},{"label":"layers","value":"1"},{"label":"activation","value":"tanh"}],"pre_version_id":101,"spec_id":1,"train_url":"/bucket/out/kept/0005/","worker_server_num":1},"intent_id":null,"job_desc":null,"job_id":7,"job_name":null,"own_path":true,"settings":{"engine_id":1,"spec_id":1,"worker_server_num":1}}},"stamp":null}',NULL,NULL,NULL,NULL,NULL,NULL,NULL,1,0,0,0,0,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "trials" VALUES(1,6,1,'{"lr": 0.030238230553195432, "layers": 1, "activation": "tanh"}','/bucket/out/kept/0006/','creating','{"create":{"after_version_id":0,"spec":{"config":{"data_url":"/bucket/data/","engine_id":1,"parameter":[{"label":"epochs","value":"3"},{"label":"lr","value":"0.030238230553195432"},{"label":"layers","value":"1"},{"label":"activation","value":"tanh"}],"pre_version_id":101,"spec_id":1,"train_url":"/bucket/out/kept/0006/","worker_server_num":1},"intent_id":null,"job_desc":null,"job_id":7,"job_name":null,"own_path":true,"settings":{"engine_id":1,"spec_id":1,"worker_server_num":1}}},"stamp":null}',NULL,NULL,NULL,NULL,NULL,NULL,NULL,1,0,0,0,0,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "trials" VALUES(1,7,1,'{"lr": 0.007796106212020262, "layers": 2, "activation": "relu"}','/bucket/out/kept/0007/','refused','{"create":{"after_version_id":0,"spec":{"config":{"data_url":"/bucket/data/","engine_id":1,"parameter":[{"label":"epochs","value":"3"},{"label":"lr","value":"0.007796106212020262"},{"label":"layers","value":"2"},{"label":"activation","value":"relu"}],"pre_version_id":101,"spec_id":1,"train_url":"/bucket/out/kept/0007/","worker_server_num":1},"intent_id":null,"job_desc":null,"job_id":7,"job_name":null,"own_path":true,"settings":{"engine_id":1,"spec_id":1,"worker_server_num":1}}},"stamp":null}',NULL,NULL,NULL,NULL,'request: not now (status 400)',NULL,NULL,1,0,0,0,0,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "trials" VALUES(1,8,1,'{"lr": 0.00014085359637107625, "layers": 4, "activation": "relu"}','/bucket/out/kept/0008/','reserved',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,1,0,0,0,0,NULL,NULL,NULL,NULL,NULL,NULL);
CREATE INDEX trials_by_state ON trials (sweep_id, state);
CREATE INDEX events_of_a_trial ON events (sweep_id, number);
CREATE INDEX measures_of_a_sweep ON measures (sweep_id, id);
COMMIT;
