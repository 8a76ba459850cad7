"""Tiny random models of every architecture that is needed, made on the spot."""

from pathlib import Path
from typing import Any

import diffusers
import numpy as np
import torch
import transformers
from PIL import Image as Pillow
from tokenizers import Tokenizer, models, pre_tokenizers, processors, trainers

WORDS = (
    "a red fox on the frozen pond at dawn three penguins walk in line blue green picture of 0 1 2 3 4 5 6 7 8 9 very"
)
SIDE = 32


def tokenizer(length: int, *, start: str = "<s>", end: str = "</s>") -> Any:
    """A tokenizer of words and letters that puts a start and an end around a text."""
    made = Tokenizer(models.BPE(unk_token="<unk>"))
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    special = ["<pad>", start, end, "<unk>"]
    trainer = trainers.BpeTrainer(
        vocab_size=320,
        special_tokens=special,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    made.train_from_iterator([WORDS] * 8, trainer)
    made.post_processor = processors.TemplateProcessing(
        single=f"{start} $A {end}", special_tokens=[(start, 1), (end, 2)]
    )
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=made,
        pad_token="<pad>",
        bos_token=start,
        eos_token=end,
        unk_token="<unk>",
        model_max_length=length,
    )


def clip_text(words: Any, projection: int | None = None) -> Any:
    config = transformers.CLIPTextConfig(
        vocab_size=len(words), hidden_size=32, intermediate_size=37, num_hidden_layers=2, num_attention_heads=4,
        max_position_embeddings=77, bos_token_id=1, eos_token_id=2, pad_token_id=0, projection_dim=projection or 32,
    )  # fmt: skip
    return (transformers.CLIPTextModelWithProjection if projection else transformers.CLIPTextModel)(config)


def autoencoder(channels: int = 4, **more: Any) -> Any:
    return diffusers.AutoencoderKL(
        block_out_channels=[32, 64], in_channels=3, out_channels=3, latent_channels=channels,
        down_block_types=["DownEncoderBlock2D"] * 2, up_block_types=["UpDecoderBlock2D"] * 2, sample_size=SIDE, **more,
    )  # fmt: skip


def stable_diffusion(*, checker: bool = False) -> Any:
    words = tokenizer(77)
    unet = diffusers.UNet2DConditionModel(
        block_out_channels=(32, 64), layers_per_block=1, sample_size=16, in_channels=4, out_channels=4,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"), up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        cross_attention_dim=32,
    )  # fmt: skip
    guard = {"safety_checker": None, "feature_extractor": None, "requires_safety_checker": False}
    if checker:
        guard = {"safety_checker": safety_checker(), "feature_extractor": image_processor()}
    return diffusers.StableDiffusionPipeline(
        vae=autoencoder(), text_encoder=clip_text(words), tokenizer=words, unet=unet, scheduler=diffusers.DDIMScheduler(steps_offset=1, clip_sample=False),
        **guard,
    )  # fmt: skip


def stable_diffusion_xl() -> Any:
    words = tokenizer(77)
    unet = diffusers.UNet2DConditionModel(
        block_out_channels=(32, 64), layers_per_block=2, sample_size=16, in_channels=4, out_channels=4,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"), up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        attention_head_dim=(2, 4), use_linear_projection=True, addition_embed_type="text_time",
        addition_time_embed_dim=8, transformer_layers_per_block=(1, 2), projection_class_embeddings_input_dim=80,
        cross_attention_dim=64,
    )  # fmt: skip
    return diffusers.StableDiffusionXLPipeline(
        vae=autoencoder(), text_encoder=clip_text(words), text_encoder_2=clip_text(words, 32), tokenizer=words,
        tokenizer_2=words, unet=unet, scheduler=diffusers.EulerDiscreteScheduler(), add_watermarker=False,
    )  # fmt: skip


def stable_diffusion_3() -> Any:
    words = tokenizer(77)
    t5 = transformers.T5EncoderModel(
        transformers.T5Config(vocab_size=len(words), d_model=32, d_kv=8, d_ff=37, num_layers=2, num_heads=4)
    )
    transformer = diffusers.SD3Transformer2DModel(
        sample_size=16, patch_size=1, in_channels=4, num_layers=1, attention_head_dim=8, num_attention_heads=4,
        caption_projection_dim=32, joint_attention_dim=32, pooled_projection_dim=64, out_channels=4,
    )  # fmt: skip
    vae = autoencoder(4, use_quant_conv=False, use_post_quant_conv=False, shift_factor=0.06, scaling_factor=1.5)
    return diffusers.StableDiffusion3Pipeline(
        vae=vae, text_encoder=clip_text(words, 32), text_encoder_2=clip_text(words, 32), text_encoder_3=t5,
        tokenizer=words, tokenizer_2=words, tokenizer_3=words, transformer=transformer,
        scheduler=diffusers.FlowMatchEulerDiscreteScheduler(),
    )  # fmt: skip


PIPELINES = {"sd1": stable_diffusion, "sdxl": stable_diffusion_xl, "sd3": stable_diffusion_3}


def image_processor() -> Any:
    return transformers.CLIPImageProcessor(
        size={"shortest_edge": SIDE}, crop_size={"height": SIDE, "width": SIDE}, do_convert_rgb=True
    )


def vision_config() -> Any:
    return transformers.CLIPVisionConfig(
        hidden_size=32, intermediate_size=37, num_hidden_layers=2, num_attention_heads=4, image_size=SIDE, patch_size=8,
        projection_dim=32,
    )  # fmt: skip


def safety_checker() -> Any:
    from diffusers.pipelines.stable_diffusion import StableDiffusionSafetyChecker

    text = transformers.CLIPTextConfig(
        vocab_size=320,
        hidden_size=32,
        intermediate_size=37,
        num_hidden_layers=1,
        num_attention_heads=4,
        projection_dim=32,
    )
    return StableDiffusionSafetyChecker(
        transformers.CLIPConfig(text_config=text.to_dict(), vision_config=vision_config().to_dict(), projection_dim=32)
    )


def clip(directory: Path, *, pickled: bool = False) -> Path:
    """A CLIP model with its processor."""
    torch.manual_seed(0)
    words = tokenizer(77)
    text = transformers.CLIPTextConfig(
        vocab_size=len(words), hidden_size=32, intermediate_size=37, num_hidden_layers=2, num_attention_heads=4,
        max_position_embeddings=24, bos_token_id=1, eos_token_id=2, pad_token_id=0,
    )  # fmt: skip
    model = transformers.CLIPModel(
        transformers.CLIPConfig(text_config=text.to_dict(), vision_config=vision_config().to_dict(), projection_dim=16)
    )
    with torch.no_grad():  # the usual small weights make every image the same
        for parameter in model.parameters():
            if parameter.ndim > 1:
                parameter.normal_(std=0.3)
    model.save_pretrained(directory)
    transformers.CLIPProcessor(image_processor(), words).save_pretrained(directory)
    if pickled:
        (directory / "model.safetensors").unlink()
        torch.save(model.state_dict(), directory / "pytorch_model.bin")
    return directory


def pictures(folder: Path, number: int, side: tuple[int, int] = (40, 48)) -> list[Path]:
    """Images of noise, each another."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for n in range(number):
        path = folder / f"{n}.png"
        Pillow.fromarray(np.random.default_rng(n).integers(0, 255, (*side, 3), dtype=np.uint8)).save(path)
        paths.append(path)
    return paths
