CREATE TABLE public.aiomodelarts_ledger (
    version integer NOT NULL
);
CREATE TABLE public.events (
    id bigint NOT NULL,
    sweep_id integer NOT NULL,
    number integer NOT NULL,
    attempt integer NOT NULL,
    at double precision NOT NULL,
    state character varying(20) NOT NULL,
    why text NOT NULL,
    token integer NOT NULL,
    detail text
);
CREATE SEQUENCE public.events_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.events_id_seq OWNED BY public.events.id;
CREATE TABLE public.leases (
    sweep_id integer NOT NULL,
    token integer NOT NULL,
    place text NOT NULL,
    process text NOT NULL,
    beats integer NOT NULL,
    ended text
);
CREATE TABLE public.measures (
    id bigint NOT NULL,
    sweep_id integer NOT NULL,
    number integer NOT NULL,
    attempt integer NOT NULL,
    step bigint NOT NULL,
    value double precision NOT NULL,
    marks text
);
CREATE SEQUENCE public.measures_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.measures_id_seq OWNED BY public.measures.id;
CREATE TABLE public.observations (
    sweep_id integer NOT NULL,
    "position" integer NOT NULL,
    source text NOT NULL,
    point text NOT NULL,
    objectives text NOT NULL
);
CREATE TABLE public.sweeps (
    id integer NOT NULL,
    name character varying(200) NOT NULL,
    settings text NOT NULL,
    job_id bigint,
    first_version_id bigint,
    reserved integer NOT NULL,
    base integer NOT NULL,
    token integer NOT NULL,
    held_ms bigint DEFAULT 0 NOT NULL,
    held_micros bigint DEFAULT 0 NOT NULL,
    spent_ms bigint DEFAULT 0 NOT NULL,
    spent_micros bigint DEFAULT 0 NOT NULL,
    stop_upto integer,
    stop_how character varying(10)
);
CREATE SEQUENCE public.sweeps_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.sweeps_id_seq OWNED BY public.sweeps.id;
CREATE TABLE public.trials (
    sweep_id integer NOT NULL,
    number integer NOT NULL,
    attempt integer NOT NULL,
    point text NOT NULL,
    output_path text NOT NULL,
    state character varying(20) NOT NULL,
    intent text,
    job_id bigint,
    version_id bigint,
    value double precision,
    failure character varying(20),
    reason text,
    began_at double precision,
    duration_s double precision,
    holder integer,
    held_ms bigint DEFAULT 0 NOT NULL,
    held_micros bigint DEFAULT 0 NOT NULL,
    spent_ms bigint DEFAULT 0 NOT NULL,
    spent_micros bigint DEFAULT 0 NOT NULL,
    tries text,
    flavor text,
    ending character varying(20),
    last_value double precision,
    last_step bigint,
    objectives text
);
ALTER TABLE ONLY public.events ALTER COLUMN id SET DEFAULT nextval('public.events_id_seq'::regclass);
ALTER TABLE ONLY public.measures ALTER COLUMN id SET DEFAULT nextval('public.measures_id_seq'::regclass);
ALTER TABLE ONLY public.sweeps ALTER COLUMN id SET DEFAULT nextval('public.sweeps_id_seq'::regclass);
INSERT INTO public.aiomodelarts_ledger VALUES (2);
INSERT INTO public.events VALUES (1, 1, 1, 1, 1795859238.4772358, 'reserved', 'reserved', 1, NULL);
INSERT INTO public.events VALUES (2, 1, 1, 1, 1795859238.491592, 'creating', 'creating', 1, NULL);
INSERT INTO public.events VALUES (3, 1, 1, 1, 1795859238.510446, 'running', 'running', 1, NULL);
INSERT INTO public.events VALUES (4, 1, 1, 1, 1795859238.5332766, 'succeeded', 'succeeded', 1, NULL);
INSERT INTO public.events VALUES (5, 1, 2, 1, 1795859238.5371296, 'reserved', 'reserved', 1, NULL);
INSERT INTO public.events VALUES (6, 1, 2, 1, 1795859238.5477476, 'creating', 'creating', 1, NULL);
INSERT INTO public.events VALUES (7, 1, 2, 1, 1795859238.5531042, 'running', 'running', 1, NULL);
INSERT INTO public.events VALUES (8, 1, 2, 1, 1795859238.5578742, 'failed', 'exit code 1; its log ends: ValueError: naïve', 1, NULL);
INSERT INTO public.events VALUES (9, 1, 3, 1, 1795859238.561932, 'reserved', 'reserved', 1, NULL);
INSERT INTO public.events VALUES (10, 1, 3, 1, 1795859238.5758822, 'creating', 'creating', 1, NULL);
INSERT INTO public.events VALUES (11, 1, 3, 1, 1795859238.591597, 'running', 'running', 1, NULL);
INSERT INTO public.events VALUES (12, 1, 3, 1, 1795859238.6012132, 'no metric', 'no log line matches ''accuracy=([0-9.]+)''', 1, NULL);
INSERT INTO public.events VALUES (13, 1, 4, 1, 1795859238.606058, 'reserved', 'reserved', 1, NULL);
INSERT INTO public.events VALUES (14, 1, 4, 1, 1795859238.6094873, 'creating', 'creating', 1, NULL);
INSERT INTO public.events VALUES (15, 1, 4, 1, 1795859238.6131144, 'running', 'running', 1, NULL);
INSERT INTO public.events VALUES (16, 1, 5, 1, 1795859238.6211343, 'reserved', 'reserved', 1, NULL);
INSERT INTO public.events VALUES (17, 1, 5, 1, 1795859238.6267025, 'creating', 'creating', 1, NULL);
INSERT INTO public.events VALUES (18, 1, 6, 1, 1795859238.6327147, 'reserved', 'reserved', 1, NULL);
INSERT INTO public.events VALUES (19, 1, 6, 1, 1795859238.6583374, 'creating', 'creating', 1, NULL);
INSERT INTO public.events VALUES (20, 1, 7, 1, 1795859238.6661537, 'reserved', 'reserved', 1, NULL);
INSERT INTO public.events VALUES (21, 1, 7, 1, 1795859238.673076, 'creating', 'creating', 1, NULL);
INSERT INTO public.events VALUES (22, 1, 7, 1, 1795859238.677106, 'refused', 'request: not now (status 400)', 1, NULL);
INSERT INTO public.events VALUES (23, 1, 8, 1, 1795859238.681153, 'reserved', 'reserved', 1, NULL);
INSERT INTO public.leases VALUES (1, 1, 'nowhere', '1 1', 0, NULL);
INSERT INTO public.measures VALUES (1, 1, 4, 1, 0, 0, NULL);
INSERT INTO public.measures VALUES (2, 1, 4, 1, 1, 0.125, NULL);
INSERT INTO public.measures VALUES (3, 1, 4, 1, 2, 0.25, '{"rung":2}');
INSERT INTO public.sweeps VALUES (1, 'kept', '{"[estimator] boot_file":"/bucket/src/train.py","[estimator] code_dir":"/bucket/src/","[estimator] framework_type":"PyTorch","[estimator] framework_version":"PyTorch-1.0.0-python3.6","[estimator] hyperparameters":{"epochs":3},"[estimator] inputs":"/bucket/data/","[estimator] output_path":"/bucket/out/","[estimator] train_instance_count":1,"[estimator] train_instance_type":"modelarts.vm.cpu.2u","[objective] goal":"maximize","[objective] log_pattern":"accuracy=([0-9.]+)","[search] algorithm":"random","[search] seed":7,"[space] activation":{"kind":"choice","values":["relu","tanh"]},"[space] layers":{"high":4,"kind":"int","low":1,"step":1},"[space] lr":{"high":0.1,"kind":"float","log":true,"low":0.0001}}', 7, 101, 8, 0, 1, 0, 0, 0, 0, NULL, NULL);
INSERT INTO public.trials VALUES (1, 1, 1, '{"lr": 0.0015292218307844158, "layers": 2, "activation": "tanh"}', '/bucket/out/kept/0001/', 'succeeded', '{"create":{"after_version_id":0,"spec":{"config":{"data_url":"/bucket/data/","engine_id":1,"parameter":[{"label":"epochs","value":"3"},{"label":"lr","value":"0.0015292218307844158"},{"label":"layers","value":"2"},{"label":"activation","value":"tanh"}],"spec_id":1,"train_url":"/bucket/out/kept/0001/","worker_server_num":1},"intent_id":null,"job_desc":null,"job_id":null,"job_name":"kept-job","own_path":true,"settings":{"engine_id":1,"spec_id":1,"worker_server_num":1}}},"stamp":null}', 7, 101, 0.75, NULL, NULL, 1700000001, 12.5, 1, 0, 0, 0, 0, NULL, 'modelarts.vm.cpu.2u', NULL, 0.5, 3, NULL);
INSERT INTO public.trials VALUES (1, 2, 1, '{"lr": 0.029095302440972057, "layers": 1, "activation": "relu"}', '/bucket/out/kept/0002/', 'failed', '{"create":{"after_version_id":0,"spec":{"config":{"data_url":"/bucket/data/","engine_id":1,"parameter":[{"label":"epochs","value":"3"},{"label":"lr","value":"0.029095302440972057"},{"label":"layers","value":"1"},{"label":"activation","value":"relu"}],"pre_version_id":101,"spec_id":1,"train_url":"/bucket/out/kept/0002/","worker_server_num":1},"intent_id":null,"job_desc":null,"job_id":7,"job_name":null,"own_path":true,"settings":{"engine_id":1,"spec_id":1,"worker_server_num":1}}},"stamp":null}', 7, 102, NULL, 'code', 'exit code 1; its log ends: ValueError: naïve', 1700000002, 12.5, 1, 0, 0, 0, 0, NULL, NULL, NULL, NULL, NULL, NULL);
INSERT INTO public.trials VALUES (1, 4, 1, '{"lr": 0.00018106799853314347, "layers": 1, "activation": "relu"}', '/bucket/out/kept/0004/', 'running', '{"create":{"after_version_id":0,"spec":{"config":{"data_url":"/bucket/data/","engine_id":1,"parameter":[{"label":"epochs","value":"3"},{"label":"lr","value":"0.00018106799853314347"},{"label":"layers","value":"1"},{"label":"activation","value":"relu"}],"pre_version_id":101,"spec_id":1,"train_url":"/bucket/out/kept/0004/","worker_server_num":1},"intent_id":null,"job_desc":null,"job_id":7,"job_name":null,"own_path":true,"settings":{"engine_id":1,"spec_id":1,"worker_server_num":1}}},"stamp":null}', 7, 104, NULL, NULL, NULL, 1700000004, NULL, 1, 0, 0, 0, 0, NULL, NULL, NULL, NULL, NULL, NULL);
INSERT INTO public.trials VALUES (1, 3, 1, '{"lr": 0.005602269767860871, "layers": 3, "activation": "relu"}', '/bucket/out/kept/0003/', 'no metric', '{"create":{"after_version_id":0,"spec":{"config":{"data_url":"/bucket/data/","engine_id":1,"parameter":[{"label":"epochs","value":"3"},{"label":"lr","value":"0.005602269767860871"},{"label":"layers","value":"3"},{"label":"activation","value":"relu"}],"pre_version_id":101,"spec_id":1,"train_url":"/bucket/out/kept/0003/","worker_server_num":1},"intent_id":null,"job_desc":null,"job_id":7,"job_name":null,"own_path":true,"settings":{"engine_id":1,"spec_id":1,"worker_server_num":1}}},"stamp":null}', 7, 103, NULL, NULL, 'no log line matches ''accuracy=([0-9.]+)''', 1700000003, 12.5, 1, 0, 0, 0, 0, NULL, NULL, NULL, NULL, NULL, NULL);
INSERT INTO public.trials VALUES (1, 5, 1, '{"lr": 0.0005272165081467344, "layers": 1, "activation": "tanh"}', '/bucket/out/kept/0005/', 'creating', '{"create":{"after_version_id":0,"spec":{"config":{"data_url":"/bucket/data/","engine_id":1,"parameter":[{"label":"epochs","value":"3"},{"label":"lr","value":"0.0005272165081467344"},{"label":"layers","value":"1"},{"label":"activation","value":"tanh"}],"pre_version_id":101,"spec_id":1,"train_url":"/bucket/out/kept/0005/","worker_server_num":1},"intent_id":null,"job_desc":null,"job_id":7,"job_name":null,"own_path":true,"settings":{"engine_id":1,"spec_id":1,"worker_server_num":1}}},"stamp":null}', NULL, NULL, NULL, NULL, NULL, NULL, NULL, 1, 0, 0, 0, 0, NULL, NULL, NULL, NULL, NULL, NULL);
INSERT INTO public.trials VALUES (1, 6, 1, '{"lr": 0.030238230553195432, "layers": 1, "activation": "tanh"}', '/bucket/out/kept/0006/', 'creating', '{"create":{"after_version_id":0,"spec":{"config":{"data_url":"/bucket/data/","engine_id":1,"parameter":[{"label":"epochs","value":"3"},{"label":"lr","value":"0.030238230553195432"},{"label":"layers","value":"1"},{"label":"activation","value":"tanh"}],"pre_version_id":101,"spec_id":1,"train_url":"/bucket/out/kept/0006/","worker_server_num":1},"intent_id":null,"job_desc":null,"job_id":7,"job_name":null,"own_path":true,"settings":{"engine_id":1,"spec_id":1,"worker_server_num":1}}},"stamp":null}', NULL, NULL, NULL, NULL, NULL, NULL, NULL, 1, 0, 0, 0, 0, NULL, NULL, NULL, NULL, NULL, NULL);
INSERT INTO public.trials VALUES (1, 7, 1, '{"lr": 0.007796106212020262, "layers": 2, "activation": "relu"}', '/bucket/out/kept/0007/', 'refused', '{"create":{"after_version_id":0,"spec":{"config":{"data_url":"/bucket/data/","engine_id":1,"parameter":[{"label":"epochs","value":"3"},{"label":"lr","value":"0.007796106212020262"},{"label":"layers","value":"2"},{"label":"activation","value":"relu"}],"pre_version_id":101,"spec_id":1,"train_url":"/bucket/out/kept/0007/","worker_server_num":1},"intent_id":null,"job_desc":null,"job_id":7,"job_name":null,"own_path":true,"settings":{"engine_id":1,"spec_id":1,"worker_server_num":1}}},"stamp":null}', NULL, NULL, NULL, NULL, 'request: not now (status 400)', NULL, NULL, 1, 0, 0, 0, 0, NULL, NULL, NULL, NULL, NULL, NULL);
INSERT INTO public.trials VALUES (1, 8, 1, '{"lr": 0.00014085359637107625, "layers": 4, "activation": "relu"}', '/bucket/out/kept/0008/', 'reserved', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 1, 0, 0, 0, 0, NULL, NULL, NULL, NULL, NULL, NULL);
SELECT pg_catalog.setval('public.events_id_seq', 23, true);
SELECT pg_catalog.setval('public.measures_id_seq', 3, true);
SELECT pg_catalog.setval('public.sweeps_id_seq', 1, true);
ALTER TABLE ONLY public.events
    ADD CONSTRAINT events_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.leases
    ADD CONSTRAINT leases_pkey PRIMARY KEY (sweep_id, token);
ALTER TABLE ONLY public.measures
    ADD CONSTRAINT measures_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.observations
    ADD CONSTRAINT observations_pkey PRIMARY KEY (sweep_id, "position");
ALTER TABLE ONLY public.sweeps
    ADD CONSTRAINT sweeps_name UNIQUE (name);
ALTER TABLE ONLY public.sweeps
    ADD CONSTRAINT sweeps_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.trials
    ADD CONSTRAINT trials_pkey PRIMARY KEY (sweep_id, number);
CREATE INDEX events_of_a_trial ON public.events USING btree (sweep_id, number);
CREATE INDEX measures_of_a_sweep ON public.measures USING btree (sweep_id, id);
CREATE INDEX trials_by_state ON public.trials USING btree (sweep_id, state);
