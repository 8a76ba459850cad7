"""The recipe's options as transformers' trainer reads them."""

from pathlib import Path

from transformers import TrainingArguments

from pairsmith_train import engine
from pairsmith_train.options import TreeOptions


def training_arguments(options: TreeOptions, output: Path, seed: int) -> TrainingArguments:
    """Return the arguments of one training; ``output`` is where its checkpoints are written."""
    made = TrainingArguments(
        output_dir=str(output),
        per_device_train_batch_size=options.micro,
        gradient_accumulation_steps=options.accumulated,
        num_train_epochs=options.epochs,
        learning_rate=options.learning_rate,
        lr_scheduler_type=options.scheduled,
        warmup_steps=options.warm_up,
        adam_beta1=options.betas[0],
        adam_beta2=options.betas[1],
        weight_decay=options.weight_decay,
        max_grad_norm=options.max_grad_norm,
        bf16=options.precision == "bf16",
        use_cpu=engine.device(options) == "cpu",
        save_strategy="steps",
        save_steps=options.save_steps,
        logging_strategy="steps",
        logging_steps=1,
        train_sampling_strategy="random" if options.shuffle else "sequential",
        seed=seed % 2**31,
        data_seed=seed % 2**31,
        remove_unused_columns=False,
        dataloader_num_workers=options.loader_workers,
        dataloader_pin_memory=False,
        dataloader_drop_last=True,
        report_to="none",
        disable_tqdm=True,
        log_level="error",
        **engine.arguments(options),
    )
    made._n_gpu = min(made.n_gpu, 1)  # noqa: SLF001 - or transformers takes every GPU it sees, and the tree's batch apart
    return made
